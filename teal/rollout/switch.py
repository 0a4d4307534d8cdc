"""Declaring another pool desired, proved at the front door, undone where the proof fails."""

from typing import Protocol

from teal.errors import WaitedTooLongError
from teal.rollout.proof import UnprovenError
from teal.wait import wait_for


class Traffic(Protocol):
    """Which pool is asked first, and the proof that it answers."""

    def desired(self) -> str:
        """Return the pool that is declared desired."""

    def declare(self, pool: str) -> None:
        """Declare a pool desired."""

    def seconds_since_change(self) -> float:
        """Return for how long the desired pool has been what it is."""

    def answers_from(self, pool: str) -> bool:
        """Whether the front door's requests are answered by this pool, at the first attempt."""


def switch(traffic: Traffic, pool: str, *, seconds: float) -> None:
    """Declare the pool and wait for its answers at the front door.

    Whatever ends this early, the pool of before is declared again. Raises UnprovenError.
    """
    before = traffic.desired()
    traffic.declare(pool)
    is_proven = False
    try:
        wait_for(
            lambda: traffic.answers_from(pool),
            what=f"{pool} to answer at the front door at the first attempt",
            seconds=seconds,
        )
        is_proven = True
    except WaitedTooLongError as error:
        raise UnprovenError(str(error)) from error
    finally:
        if not is_proven:
            traffic.declare(before)
