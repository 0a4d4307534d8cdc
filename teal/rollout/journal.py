"""Where traffic belongs while it is elsewhere, so that an interrupted command can be finished."""

from teal.settings import POOLS
from teal.stack.layout import Layout, write


class Journal:
    """One word in the stack's folder."""

    def __init__(self, layout: Layout) -> None:
        self._file = layout.directory / "interrupted"

    def home(self) -> str | None:
        """Return the pool that is to be desired again in the end; None: nothing was interrupted."""
        try:
            pool = self._file.read_text().strip()
        except FileNotFoundError:
            return None
        return pool if pool in POOLS else None

    def leave(self, pool: str) -> None:
        """Note, before traffic is moved, that it belongs to this pool."""
        write(self._file, pool + "\n")

    def arrive(self) -> None:
        """Note that what is desired is what the operator declared."""
        self._file.unlink(missing_ok=True)
