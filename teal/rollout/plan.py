"""What is to be done next with two pools, from how they are found. Pure: no clock, no I/O.

There is no list of steps that could be cut off half-way: each step is chosen from what is seen, so
whoever comes after an interruption goes on from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    """One pool as it is found."""

    # It runs what the settings want, in the way they want it.
    is_current: bool
    # nginx reaches it, and it is healthy.
    is_up: bool
    # What it runs was seen to work; else whoever started it did not come that far.
    is_tried: bool


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Both pools, and what happened so far."""

    # The pool that is desired in the end: what the operator declared.
    home: str
    desired: str
    pools: Mapping[str, Seen]
    # Pools that could not be renewed, that were waited for in vain, that were switched to in vain.
    failed: frozenset[str] = field(default=frozenset())
    waited: frozenset[str] = field(default=frozenset())
    unproven: frozenset[str] = field(default=frozenset())

    def other(self, pool: str) -> str:
        """Return the pool that is not this one."""
        return next(name for name in self.pools if name != pool)


@dataclass(frozen=True)
class Renew:
    """Stop what runs in this pool, start what is wanted, and wait until it is up."""

    pool: str


@dataclass(frozen=True)
class Await:
    """Wait until this pool, which is what it should be, is up, and try it."""

    pool: str


@dataclass(frozen=True)
class Switch:
    """Prove this pool, declare it desired, and prove it at the front door."""

    pool: str


@dataclass(frozen=True)
class Refuse:
    """This pool serves and the other one cannot take over: it is left as it is."""

    pool: str


@dataclass(frozen=True)
class Finish:
    """Nothing is left to be done."""


Step = Renew | Await | Switch | Refuse | Finish


def next_step(now: Situation) -> Step:
    """Return the next step. A pool that serves is touched when the other one has taken over."""
    for pool, seen in now.pools.items():
        if seen.is_current and not seen.is_tried and pool not in now.waited:
            return Await(pool)
    # One failure is enough: what the pools share would most likely fail again, with nobody left.
    stale = [p for p, seen in now.pools.items() if not seen.is_current and not now.failed]
    if stale:
        # Who does not serve comes first, then who is not asked first.
        pool = min(stale, key=lambda p: (now.pools[p].is_up, p == now.desired))
        return _make_way_for(pool, now)
    for pool, seen in now.pools.items():
        if seen.is_current and not seen.is_up and pool not in now.waited:
            return Await(pool)
    if now.desired != now.home and now.pools[now.home].is_up and now.home not in now.unproven:
        return Switch(now.home)
    return Finish()


# Private


def _make_way_for(pool: str, now: Situation) -> Step:
    other = now.other(pool)
    if now.pools[other].is_up and other not in now.unproven:
        return Switch(other) if pool == now.desired else Renew(pool)
    if not now.pools[pool].is_up:
        return Renew(pool)
    if now.pools[other].is_current and other not in now.waited:
        return Await(other)
    return Refuse(pool)
