"""Slack having a bad day, on demand: for trying what the rest of the stack does about it."""

import threading
import time
from collections.abc import Callable

from inbox.slack import Answer

LONGEST_SECONDS = 3600.0
# Alertmanager waits 10 s for an answer. A slow Slack takes the message and answers in time; one
# that hangs takes nothing, and the sender gives up first. (One that takes a message and answers too
# late is not played: no sender can tell, and the message is sent again.)
SLOW_SECONDS = 8.0
HANG_SECONDS = 15.0
TIMED_OUT = Answer(504, "upstream_timed_out")
ANSWERS = {
    "429": Answer(429, "rate_limited"),
    "500": Answer(500, "rollup_error"),
    "403": Answer(403, "action_prohibited"),
    "404": Answer(404, "channel_not_found"),
}
KINDS = (*ANSWERS, "slow", "hang")


class Trouble:
    """The trouble that is on, if any. It ends by itself."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kind: str | None = None
        self._ends_at = 0.0
        self._ended = threading.Event()

    def start(self, kind: str, seconds: float) -> None:
        """Begin. Raises ValueError that says what is allowed."""
        if kind not in KINDS:
            raise ValueError(f"status must be one of {', '.join(KINDS)}, not {kind[:40]!r}")
        if not 0 < seconds <= LONGEST_SECONDS:
            raise ValueError(f"seconds must be more than 0 and at most {LONGEST_SECONDS:g}")
        with self._lock:
            self._ended.set()
            self._ended = threading.Event()
            self._kind, self._ends_at = kind, self._clock() + seconds

    def stop(self) -> None:
        """End it now, also for a message that is kept waiting."""
        with self._lock:
            self._ended.set()
            self._kind = None

    def state(self) -> tuple[str | None, float]:
        """Return what is on, and for how many seconds more; (None, 0) when all is well."""
        with self._lock:
            remaining = self._ends_at - self._clock()
            return (self._kind, remaining) if self._kind and remaining > 0 else (None, 0.0)

    def answer(self) -> Answer | None:
        """Return the trouble's answer to a message; None, late where it is `slow`: as ever."""
        kind, remaining = self.state()
        if kind == "slow":
            self._ended.wait(min(SLOW_SECONDS, remaining))
        if kind == "hang":
            self._ended.wait(HANG_SECONDS)
            return TIMED_OUT
        return ANSWERS.get(kind or "")
