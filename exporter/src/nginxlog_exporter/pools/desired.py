"""Which pool the operator wants to serve, and whether a drill is on: flag files in one folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter.pools.pool_map import PoolMap

# The drill marker. It lies one folder deeper, because a change of the flags' folder counts as a
# change of the desired pool.
DRILL_MARKER = ".drill/running"
# A marker that is older was left behind.
MAX_DRILL_SECONDS = 1800


class Declared(NamedTuple):
    """The pool that the operator wants to serve, and since when (seconds since the epoch)."""

    pool: str | None = None
    changed_at: float = 0.0


@dataclass(frozen=True)
class DesiredDir:
    """The folder in which the operator declares desired pools: a flag file named like the pool."""

    path: Path
    pools: PoolMap

    def declared(self, group: str) -> Declared:
        """Return the pool of the group that has a flag file; without one, the group's first."""
        pools = self.pools.groups[group]
        flagged = (name for name in pools if self._is_flagged(name))
        return Declared(next(flagged, pools[0]), self._changed_at(group))

    def drill_runs(self) -> bool:
        """Tell whether an operator breaks something on purpose right now."""
        try:
            age = time.time() - (self.path / DRILL_MARKER).stat().st_mtime
        except OSError:
            return False
        return age < MAX_DRILL_SECONDS

    # Private

    def _is_flagged(self, pool: str) -> bool:
        try:
            (self.path / pool).stat()
        except OSError:  # also where the folder may not be entered
            return False
        return True

    def _changed_at(self, group: str) -> float:
        """Return when a flag was last added or removed, 0 if unknown."""
        try:
            return (self.path / group).stat().st_mtime
        except OSError:
            return 0.0


class DesiredPools:
    """The desired pool of each group: by the flag files where they are configured, else by the log.

    `logged` returns what the log says of a group.
    """

    def __init__(self, folder: DesiredDir | None, logged: Callable[[str], Declared]) -> None:
        self._folder = folder
        self._logged = logged

    @property
    def is_declared_in_folder(self) -> bool:
        """Whether the log need not say it."""
        return self._folder is not None

    def declared(self, group: str) -> Declared:
        """Return the pool that is declared desired in a group of pools."""
        return self._folder.declared(group) if self._folder else self._logged(group)

    def drill_runs(self) -> bool:
        """Tell whether a drill is on; without a folder there is none."""
        return self._folder is not None and self._folder.drill_runs()
