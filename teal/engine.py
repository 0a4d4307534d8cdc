"""The Docker engine: how it is asked, and what of its kind matters to the stack."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from teal.runtime import RuntimeFailedError

LIMIT_SECONDS = 120
# Who owns what nginx, the exporter and the inbox write when root runs Teal, and who runs a pool
# whose image names no user: no container of ours runs as root. Unused by Debian and by the images.
UNPRIVILEGED = 61000


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What an engine says of itself in `docker info`."""

    # The engine is a user's own: its container "root" is that user, and no other user of a
    # container is anybody on this machine.
    rootless: bool = False
    # userns-remap: every user of a container is another one on this machine.
    remapped: bool = False
    selinux: bool = False

    def owner(self, uid: int, gid: int) -> tuple[int, int]:
        """Return who a container must be to write to folders of whoever runs Teal.

        `uid` and `gid` are of whoever runs Teal; root's folders are handed to UNPRIVILEGED.
        """
        if self.rootless:
            return 0, 0
        return (uid, gid) if uid else (UNPRIVILEGED, UNPRIVILEGED)

    @property
    def user_namespace(self) -> str:
        """The `userns_mode` of the containers that write to folders of this machine."""
        return "host" if self.remapped else ""

    @property
    def notice(self) -> str | None:
        """What the user should know of this engine, in one line."""
        if self.selinux:
            return (
                "SELinux confines this engine's containers: if a part cannot read its files, see "
                '"SELinux" in the README'
            )
        return None


def parse(options: Sequence[str]) -> Engine:
    """Read the SecurityOptions of `docker info`, such as `name=seccomp,profile=default`."""
    names = {option.partition(",")[0].removeprefix("name=") for option in options}
    return Engine(
        rootless="rootless" in names, remapped="userns" in names, selinux="selinux" in names
    )


def look() -> Engine:
    """Ask the engine what it is. Raises RuntimeFailedError."""
    return parse(json.loads(ask("info", "--format", "{{json .SecurityOptions}}")) or [])


def ask(*arguments: str, errors: bool = False, limit: float = LIMIT_SECONDS) -> str:
    """Return what a docker command printed, with `errors` also on its standard error.

    Raises RuntimeFailedError with its last words.
    """
    return command(["docker", *arguments], os.environ, errors=errors, limit=limit)


def command(
    words: Sequence[str], environment: Mapping[str, str], *, limit: float, errors: bool = False
) -> str:
    """Return what a command printed. Raises RuntimeFailedError with its last words."""
    try:
        result = subprocess.run(
            words,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired as error:
        shown = " ".join([*words[:2], *words[-2:]])
        raise RuntimeFailedError(f"waited {limit:g} s for `{shown}`") from error
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise RuntimeFailedError(
            "docker: " + (" / ".join(said[-3:]) or f"exit {result.returncode}")
        )
    return result.stdout
