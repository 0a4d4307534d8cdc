"""What the commands ask of a stack, whichever way it runs."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from teal.stack.fleet import Fleet
from teal.stack.layout import Layout


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
    def fleet(self) -> Fleet:
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

    def restart(self, part: str) -> None:
        """Stop a part gracefully and start it. Raises RuntimeFailedError."""

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        """Yield the last lines that a part printed, and with `follow` all that come after."""
