"""Waiting with a limit. Nothing in Teal waits for ever, and every wait says what it waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

from teal.errors import WaitedTooLongError

POLL_SECONDS = 0.1


_T = TypeVar("_T")


def wait_for(
    happened: Callable[[], _T], *, what: str, seconds: float, poll: float = POLL_SECONDS
) -> _T:
    """Return the first true value of `happened()`. Raises WaitedTooLongError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if value := happened():
            return value
        if time.monotonic() >= deadline:
            raise WaitedTooLongError(f"waited {seconds:g} s for {what}")
        time.sleep(poll)
