"""Why a pool did not come up: its state and last words, and what they point at."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# The kernel's or Docker's own: the program was killed from outside.
_KILLED = 137


@dataclass(frozen=True, kw_only=True)
class Fallen:
    """How a pool that does not do is found: what its runner says, and what it printed itself."""

    pool: str
    # The runner's word: running, restarting, exited, created, fatal, ... or `missing`.
    state: str
    exit_code: int | None = None
    restarts: int = 0
    was_out_of_memory: bool = False
    # What kept the runner from starting it.
    error: str = ""
    # What it printed last, oldest line first.
    words: Sequence[str] = ()
    # What nginx got from HEALTH_PATH: a status, or None for no answer.
    answer: int | None = None


def how(fallen: Fallen) -> str:
    """Return in a few words how the pool is found."""
    if fallen.was_out_of_memory:
        return "it was killed for want of memory"
    if fallen.error:
        return f"it cannot be started: {fallen.error}"
    if fallen.state in ("restarting", "exited", "dead", "fatal", "backoff"):
        again = f" and was restarted {fallen.restarts} times" if fallen.restarts else ""
        return f"it ends with exit code {fallen.exit_code}{again}"
    if fallen.state != "running":
        return f"it is {fallen.state}"
    if fallen.answer is not None:
        return f"it answers its health check with {fallen.answer}"
    return "it runs, but does not answer"


def hint(fallen: Fallen) -> str | None:
    """Return what to set, where the state or the words tell; None where they do not."""
    text = "\n".join([fallen.error, *fallen.words])
    if fallen.was_out_of_memory or (fallen.exit_code == _KILLED and not fallen.words):
        return "give it more memory: POOL_MEMORY"
    if re.search(r"read-only file system|EROFS", text, re.IGNORECASE):
        return "it writes where it must not: POOL_READ_ONLY=false"
    if fallen.state == "running" and fallen.answer is None:
        return (
            "it must listen on 0.0.0.0 (not 127.0.0.1), on the port in $PORT; an image with a "
            "port of its own needs POOL_PORT"
        )
    if fallen.state == "running" and fallen.answer is not None:
        return "another path may tell that it is healthy: HEALTH_PATH"
    return None
