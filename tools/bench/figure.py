"""One measured figure beside what is wanted of it."""

from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, as a person reads it; `good` is None where nothing is demanded."""

    name: str
    measured: str
    wanted: str
    good: bool | None = None

    @property
    def verdict(self) -> str:
        """Say whether the figure is as wanted."""
        return {True: "yes", False: "**no**", None: ""}[self.good]
