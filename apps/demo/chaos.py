"""Faults on purpose: which one is on, whom it strikes, and when it ends.

Promises: a fault ends by itself after its time; stopping it wakes every request that waits at once;
and so many requests at most wait in it that the control paths always find a free thread.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

ANY_METHOD = "any"
METHODS = (ANY_METHOD, "GET", "POST", "PUT", "PATCH", "DELETE")
MODES = ("error", "timeout", "latency", "crash", "disconnect")
# How long a request hangs in mode timeout. More than nginx's READ_TIMEOUT, which must come first.
HANG_SECONDS = 8
# Three quarters of the server's threads.
WAITING_LIMIT = 192


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong: `rate` is the share of requests struck (0..1), `ms` the delay of latency.

    Only requests of this method are struck: POST is what a proxy must not repeat.
    """

    mode: str
    rate: float = 1.0
    seconds: float = 60.0
    ms: float = 500.0
    method: str = ANY_METHOD


@dataclass(frozen=True, kw_only=True)
class State:
    """What `GET /chaos` tells; `mode` is None when all is well."""

    mode: str | None
    rate: float
    remaining_seconds: float
    requests_affected: int


@dataclass(kw_only=True)
class Strike:
    """One fault while it is on."""

    fault: Fault
    ends_at: float
    ended: threading.Event = field(default_factory=threading.Event)
    requests_affected: int = 0


class Chaos:
    """The fault of this process; one at a time. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._strike: Strike | None = None
        self._waiting = threading.BoundedSemaphore(WAITING_LIMIT)

    def start(self, fault: Fault) -> State:
        """Switch a fault on, in place of the one before."""
        with self._lock:
            self._end()
            self._strike = Strike(fault=fault, ends_at=self._clock() + fault.seconds)
            return self._state()

    def stop(self) -> State:
        """Switch the fault off; requests that wait in it go on at once."""
        with self._lock:
            self._end()
            return self._state()

    def state(self) -> State:
        """Tell what is on."""
        with self._lock:
            return self._state()

    def strike(self, method: str) -> Strike | None:
        """Return the fault that strikes a request of this method, and count it; None if spared."""
        with self._lock:
            self._end_if_over()
            strike = self._strike
            if strike is None or strike.fault.method not in (ANY_METHOD, method):
                return None
            if self._chance() >= strike.fault.rate:
                return None
            strike.requests_affected += 1
            return strike

    def wait(self, strike: Strike, seconds: float) -> None:
        """Wait for `seconds`, but not longer than the fault is on.

        Returns at once when too many requests wait already.
        """
        if not self._waiting.acquire(blocking=False):
            return
        try:
            strike.ended.wait(min(seconds, max(0.0, strike.ends_at - self._clock())))
        finally:
            self._waiting.release()

    # Private: each is called with the lock held.

    def _end_if_over(self) -> None:
        if self._strike and self._clock() >= self._strike.ends_at:
            self._end()

    def _end(self) -> None:
        if self._strike:
            self._strike.ended.set()
            self._strike = None

    def _state(self) -> State:
        self._end_if_over()
        if self._strike is None:
            return State(mode=None, rate=0.0, remaining_seconds=0.0, requests_affected=0)
        return State(
            mode=self._strike.fault.mode,
            rate=self._strike.fault.rate,
            remaining_seconds=round(self._strike.ends_at - self._clock(), 1),
            requests_affected=self._strike.requests_affected,
        )
