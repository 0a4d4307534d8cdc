"""Which pool an address belongs to, and which pool is the active one.

A pool is known by the addresses of its servers, as nginx logs them: that works whatever the pool
answers, and when it answers nothing at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

# Who answered if no configured pool did: nginx itself, or a server that no pattern fits.
NONE = "none"
UNKNOWN = "unknown"

_ADDRESS = re.compile(r"unix:.+|.+:[0-9]+", re.DOTALL)


def is_address(upstream: str) -> bool:
    """Tell an address from the name of a group, which nginx logs when no server of it was live."""
    return _ADDRESS.fullmatch(upstream) is not None


@dataclass(frozen=True)
class PoolMap:
    """Pool name -> patterns of addresses, `*` being any text; the first pool is the default."""

    patterns: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The configured pools, in the order of the settings."""
        return tuple(self.patterns)

    def pool_of(self, address: str) -> str:
        """Return the first pool that has a pattern for the address, else `unknown`."""
        for name, patterns in self.patterns.items():
            if any(_matches(pattern, address) for pattern in patterns):
                return name
        return UNKNOWN


@dataclass(frozen=True)
class DesiredDir:
    """The folder in which the operator declares the desired pool: a flag file named like it."""

    path: Path
    pools: tuple[str, ...]

    def pool(self) -> str:
        """Return the pool that has a flag file; without one, the first pool."""
        flagged = (name for name in self.pools if (self.path / name).exists())
        return next(flagged, self.pools[0])

    def changed_at(self) -> float:
        """Return when a flag was last added or removed (seconds since the epoch), 0 if unknown."""
        try:
            return self.path.stat().st_mtime
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


def _matches(pattern: str, address: str) -> bool:
    # Not fnmatch: the brackets of an IPv6 address are no set of characters.
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address) is not None
