"""The two ways to run the stack, behind one interface, and the choice between them."""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from teal.layout import Layout
from teal.settings import Settings
from teal.troubles import in_one_line

if TYPE_CHECKING:
    # It raises the error of this module.
    from teal.rollout.fleet import Fleet

PROBE_LIMIT_SECONDS = 10
# Older ones write other configurations; nothing older was tried.
OLDEST_COMPOSE = (2, 20)


class RuntimeFailedError(Exception):
    """The stack could not be made to do something; the text says in one line what and why."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A port of this machine that a part of the stack wants."""

    part: str
    # Empty: every address.
    address: str
    port: int
    # A stack works without it.
    is_optional: bool = False


class Runtime(Protocol):
    """What the commands ask of a running stack; everything else they see over HTTP and in files."""

    name: str
    layout: Layout
    # The address and port of each pool as nginx sees it, and writes it into the log.
    pools: dict[str, str]

    @property
    def fleet(self) -> "Fleet":
        """The pools themselves: renewed one at a time, and asked as nginx asks them."""

    def listeners(self) -> list[Listener]:
        """Return every port that the stack wants."""

    def holder(self, port: int) -> str | None:
        """Return the part of this stack that listens at a port now; None where none does."""

    def start(self, *, pull: bool = False, without: Collection[str] = ()) -> list[str]:
        """Bring every part but a running pool in line with the settings of now.

        `pull` looks for newer images, `without` names the optional parts that are left out. Return
        what is to be told: an optional part that did not start, an image that changed. Raises
        RuntimeFailedError.
        """

    def stop(self) -> None:
        """Stop every part, gracefully; nothing is removed."""

    def clean(self) -> None:
        """Stop every part and remove everything it wrote."""

    def running(self) -> dict[str, str]:
        """Return the state of each part that was started, in the runner's words, by name."""

    def reload(self) -> list[str]:
        """Have the parts whose files have changed read them again; return their names.

        Raises RuntimeFailedError.
        """

    def kill(self, part: str) -> None:
        """Kill a part as `kill -9` does, and keep it down."""

    def revive(self, part: str) -> None:
        """Start a part that was killed."""

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        """Yield the last lines that a part printed, and with `follow` all that come after."""


def choose(settings: Settings) -> Runtime:
    """Return the way this stack runs, or will run.

    A stack that is up stays what it is. Otherwise RUNTIME decides; `auto` takes Docker where an
    engine answers. Raises RuntimeFailedError.
    """
    # Imported here: each way imports this module for its errors.
    from teal.docker import DockerRuntime  # noqa: PLC0415
    from teal.local import LocalRuntime  # noqa: PLC0415

    mark = settings.directory / "runtime"
    current = mark.read_text().strip() if mark.exists() else None
    if current and settings.runtime not in ("auto", current):
        raise RuntimeFailedError(
            f"this stack runs as {current!r}; `make down` first, then RUNTIME={settings.runtime}"
        )
    wanted = current or settings.runtime
    if wanted == "auto":
        wanted = "docker" if docker_answers() else "local"
    if wanted == "docker" and (trouble := docker_trouble()):
        raise RuntimeFailedError(f"Docker cannot be used: {trouble} (or use RUNTIME=local)")
    return DockerRuntime(settings) if wanted == "docker" else LocalRuntime(settings)


def remember(settings: Settings, runtime: Runtime) -> None:
    """Note which way the stack runs, for the commands that come after."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    (settings.directory / "runtime").write_text(runtime.name + "\n")


def forget(settings: Settings) -> None:
    """Note that the stack is down: the next `make up` is free to choose."""
    (settings.directory / "runtime").unlink(missing_ok=True)


def docker_answers() -> bool:
    """Whether a Docker engine and the Compose plugin can be used by this user."""
    return docker_trouble() is None


def docker_trouble() -> str | None:
    """Return why Docker cannot be used, in one line; None where it can."""
    if not shutil.which("docker"):
        return "it is not installed"
    try:
        engine = _ask("docker", "info")
        compose = _ask("docker", "compose", "version", "--short")
    except (subprocess.TimeoutExpired, OSError) as error:
        return f"docker does not answer ({type(error).__name__})"
    if engine.returncode:
        return in_one_line(engine.stderr or engine.stdout, {})
    version = compose.stdout.strip() if compose.returncode == 0 else "v1"
    if tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2]) < OLDEST_COMPOSE:
        oldest = ".".join(map(str, OLDEST_COMPOSE))
        return f"Docker Compose {oldest} or newer is needed, this is {version}"
    return None


# Private


def _ask(*question: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        question, capture_output=True, text=True, check=False, timeout=PROBE_LIMIT_SECONDS
    )
