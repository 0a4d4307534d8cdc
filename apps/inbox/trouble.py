"""Slack having a bad day, on demand: for trying what the rest of the stack does about it."""

import threading
import time

from inbox.slack import Answer

LONGEST_SECONDS = 3600.0
SLOW_SECONDS = 15.0
ANSWERS = {
    "429": Answer(429, "rate_limited"),
    "500": Answer(500, "rollup_error"),
    "403": Answer(403, "action_prohibited"),
    "404": Answer(404, "no_service"),
}
KINDS = (*ANSWERS, "slow")


class Trouble:
    """The trouble that is on, if any. It ends by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kind = ""
        self._ends_at = 0.0

    def start(self, kind: str, seconds: float) -> None:
        """Begin. Raises ValueError that says what is allowed."""
        if kind not in KINDS:
            raise ValueError(f"status must be one of {', '.join(KINDS)}, not {kind!r}")
        if not 0 < seconds <= LONGEST_SECONDS:
            raise ValueError(f"seconds must be a number up to {LONGEST_SECONDS:g}")
        with self._lock:
            self._kind, self._ends_at = kind, time.monotonic() + seconds

    def stop(self) -> None:
        """End it now."""
        with self._lock:
            self._kind = ""

    def answer(self) -> Answer | None:
        """Return the trouble's answer to a message, after a long time where it is `slow`."""
        with self._lock:
            kind = self._kind if time.monotonic() < self._ends_at else ""
        if kind == "slow":
            time.sleep(SLOW_SECONDS)
        return ANSWERS.get(kind)
