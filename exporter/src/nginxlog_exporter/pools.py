"""Which pool an address belongs to, and which pool is the active one.

A pool is known by the addresses of its servers, as nginx logs them: that works whatever the pool
answers, and when it answers nothing at all.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, permutations, product
from pathlib import Path
from typing import Any, NamedTuple

# Who answered if no configured pool did: nginx itself, or a server that no pattern fits.
NONE = "none"
UNKNOWN = "unknown"
# In the folder of the declared pools; it lies deeper, as a change of that folder's time is one of
# the declared pool.
DRILL_FLAG = ".drill/running"
LONGEST_DRILL_SECONDS = 1800
_MOST_MAPS = 100

_ADDRESS = re.compile(r"unix:.+|.+:[0-9]+", re.DOTALL)


def is_address(upstream: str) -> bool:
    """Tell an address from the name of a group, which nginx logs when no server of it was live."""
    return _ADDRESS.fullmatch(upstream) is not None


@dataclass(frozen=True)
class PoolMap:
    """Pool name -> patterns of addresses, `*` being any text.

    Pools stand by for each other within their group: `api/blue` and `api/green` are the group
    `api`; names without a slash are the group ``. The first pool of a group is its default. A map
    of no pools means that each address is a pool of its own, and that no pool stands by.
    """

    patterns: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The configured pools, in the order of the settings."""
        return tuple(self.patterns)

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The pools of each group."""
        return {
            group: tuple(name for name in self.names if group_of(name) == group)
            for group in dict.fromkeys(map(group_of, self.names))
        }

    def with_less(self) -> Iterator["PoolMap"]:
        """Yield the maps of before pools got a further address, one address each; not too many.

        What counted as a pool's then is still that pool's.
        """
        choices = product(*([(one,) for one in each] for each in self.patterns.values()))
        for choice in islice(choices, _MOST_MAPS):
            yield PoolMap(dict(zip(self.patterns, choice, strict=True)))

    def pool_of(self, address: str) -> str:
        """Return the first pool that has a pattern for the address, else `unknown`."""
        if not self.patterns:
            return address
        for name, patterns in self.patterns.items():
            if any(_matches(pattern, address) for pattern in patterns):
                return name
        return UNKNOWN


def group_of(pool: str) -> str:
    """Return the group that a pool's name says."""
    return pool.rpartition("/")[0]


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
        """Tell whether an operator breaks something on purpose right now.

        A flag that is older than `LONGEST_DRILL_SECONDS` was left behind.
        """
        try:
            age = time.time() - (self.path / DRILL_FLAG).stat().st_mtime
        except OSError:
            return False
        return age < LONGEST_DRILL_SECONDS

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


@dataclass
class ActivePool:
    """The pool that really serves, with hysteresis: a probe or one retried request changes nothing.

    Another pool becomes active when it has served `after` requests in a row. The first pool ever
    seen is active at once and is no change.
    """

    pools: tuple[str, ...]
    after: int
    active: str | None = None
    # Log time of the last change, seconds since the epoch; 0 before the first.
    changed_at: float = 0.0
    changes: dict[tuple[str, str], int] = field(default_factory=dict)
    # The pool that may become active, and how many requests in a row it has served.
    candidate: str | None = None
    streak: int = 0

    def __post_init__(self) -> None:
        self.changes = dict.fromkeys(permutations(self.pools, 2), 0) | self.changes

    def confirm(self) -> None:
        """Take note that the active pool served a request."""
        self.candidate, self.streak = None, 0

    def challenge(self, pool: str, *, started: float, ended: float) -> None:
        """Take note that another pool served a request; log times in seconds since the epoch."""
        if self.active is None:
            self.active = pool
        # A request that began before the last change (a download, a WebSocket) is old news.
        elif started >= self.changed_at:
            self.streak = self.streak + 1 if pool == self.candidate else 1
            self.candidate = pool
            if self.streak >= self.after:
                self.changes[self.active, pool] += 1
                self.active, self.changed_at = pool, ended
                self.confirm()

    def to_state(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {
            "active": self.active,
            "changed_at": self.changed_at,
            "changes": [[*pair, times] for pair, times in self.changes.items()],
            "candidate": self.candidate,
            "streak": self.streak,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned; what is missing began later.

        Raises TypeError or ValueError.
        """
        self.active, self.candidate = state.get("active"), state.get("candidate")
        self.changed_at = float(state.get("changed_at", 0))
        self.streak = int(state.get("streak", 0))
        self.changes |= {(old, new): int(times) for old, new, times in state.get("changes", ())}


def _matches(pattern: str, address: str) -> bool:
    # Not fnmatch: the brackets of an IPv6 address are no set of characters.
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address) is not None
