"""What of an engine's kind matters to the stack: who a container's users are on this machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from teal.docker import engine

# Who owns what nginx, the exporter and the inbox write when root runs Teal, and who runs a pool
# whose image names no user: no container of ours runs as root. Unused by Debian and by the images.
UNPRIVILEGED = 61000


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """What an engine says of itself in `docker info`."""

    # The engine is a user's own: a container's root is that user, and its other users are nobody
    # on this machine.
    is_rootless: bool = False
    # userns-remap: every user of a container is another one on this machine.
    is_remapped: bool = False
    has_selinux: bool = False

    def owner(self, uid: int, gid: int) -> tuple[int, int]:
        """Return who a container must be to write to folders of whoever runs Teal.

        `uid` and `gid` are of whoever runs Teal; root's folders are handed to UNPRIVILEGED.
        """
        if self.is_rootless:
            return 0, 0
        return (uid, gid) if uid else (UNPRIVILEGED, UNPRIVILEGED)

    @property
    def user_namespace(self) -> str:
        """The `userns_mode` of the containers that write to folders of this machine."""
        return "host" if self.is_remapped else ""

    @property
    def notice(self) -> str | None:
        """What the user should know of this engine, in one line."""
        if self.has_selinux:
            return (
                "SELinux confines this engine's containers: a part that cannot read its files "
                'needs what "Good to know" in the README says'
            )
        return None


def parse(options: Sequence[str]) -> EngineKind:
    """Read the SecurityOptions of `docker info`, such as `name=seccomp,profile=default`."""
    names = {option.partition(",")[0].removeprefix("name=") for option in options}
    return EngineKind(
        is_rootless="rootless" in names,
        is_remapped="userns" in names,
        has_selinux="selinux" in names,
    )


def look() -> EngineKind:
    """Ask the engine what it is. Raises RuntimeFailedError."""
    return parse(json.loads(engine.docker("info", "--format", "{{json .SecurityOptions}}")) or [])
