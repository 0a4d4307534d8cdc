"""What renewing the pools needs of a way to run them. Docker and plain processes both have it."""

from typing import Protocol

from teal.errors import RuntimeFailedError
from teal.stack.hints import Fallen


class NotTouchedError(RuntimeFailedError):
    """A pool cannot be renewed, and what runs in it goes on as it was."""


class Fleet(Protocol):
    """The two pools, as `teal.stack.runtime.Runtime` runs them."""

    def is_current(self, pool: str) -> bool:
        """Whether the pool runs, and what it runs is what the settings of now want."""

    def address(self, pool: str) -> str:
        """Return the address and port at which the pool is now."""

    def ask(self, pool: str, path: str) -> int | None:
        """Return the status of a GET as nginx gets it from this pool; None for no answer."""

    def renew(self, pool: str) -> None:
        """Stop what runs in the pool, gracefully, and start what is wanted.

        Raises NotTouchedError before anything is stopped, RuntimeFailedError after.
        """

    def restore(self, pool: str) -> bool:
        """Start again what was kept of this pool; False where nothing was kept.

        Raises RuntimeFailedError.
        """

    def keep(self, pool: str) -> None:
        """Remember what runs in the pool now as something that works."""

    def is_kept(self, pool: str) -> bool:
        """Whether what is in the pool now is what was kept."""

    def changed(self, pool: str) -> list[str]:
        """Say in a line each how what is wanted differs from what was kept."""

    def point(self) -> None:
        """Tell nginx and the prober where the pools are now. Raises RuntimeFailedError."""

    def fallen(self, pool: str) -> Fallen:
        """Return how a pool, or another part, that does not do is found."""

    def examine(self, pool: str) -> Fallen:
        """Return the same after a closer look, which takes a moment: what `hints` goes by."""

    def image(self, pool: str) -> str:
        """Return which image the pool runs, in words; empty where there are none."""
