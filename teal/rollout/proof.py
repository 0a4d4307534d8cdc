"""That a pool serves, seen with real requests: on its own port, then at the front door.

A health check can lie. An answer below 500 is an answer: `/` may well be a redirect or a 404.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import requests

from teal.settings import POOLS, Settings
from teal.stack import desired
from teal.stack.access_log import read
from teal.stack.layout import Layout

ANSWERS = 5
SERVER_ERROR = 500
LIMIT_SECONDS = 5
LINE_LIMIT_SECONDS = 1
# At 1,000 requests a second: the log of two seconds.
LOOK_BACK_BYTES = 1_000_000


class UnprovenError(Exception):
    """A pool does not serve; the text says in one line what it did instead."""


class Asked(Protocol):
    """Two pools that can be asked."""

    def ask(self, pool: str, path: str) -> int | None:
        """Return the status of a GET as nginx gets it from this pool; None for no answer."""

    def address(self, pool: str) -> str:
        """Return the address and port at which the pool is now."""


def is_up(fleet: Asked, pool: str, health_path: str) -> bool:
    """Whether nginx reaches the pool, and the pool says that it is healthy."""
    status = fleet.ask(pool, health_path)
    return status is not None and status // 100 == 2  # noqa: PLR2004 - 2xx


def on_its_own_port(fleet: Asked, pool: str) -> None:
    """Ask the pool for `/` the way nginx does, until some answers in a row are good.

    Raises UnprovenError after as many bad ones. Where the other pool does no better, the question
    is to blame, not the pool.
    """
    other = next(name for name in POOLS if name != pool)
    good = bad = 0
    while good < ANSWERS:
        status = fleet.ask(pool, "/")
        if _is_answer(status) or not _is_answer(fleet.ask(other, "/")):
            good += 1
            continue
        good, bad = 0, bad + 1
        if bad == ANSWERS:
            raise UnprovenError(f"{pool} answers / with {status or 'nothing'}")


class Front:
    """The front door of a stack, and the declaration that says which pool it asks first."""

    def __init__(self, settings: Settings, layout: Layout, fleet: Asked) -> None:
        self._url = f"{settings.front}/"
        self._layout = layout
        self._fleet = fleet

    def desired(self) -> str:
        """Return the pool that is declared desired."""
        return desired.desired(self._layout)

    def declare(self, pool: str) -> None:
        """Declare a pool desired."""
        desired.declare(self._layout, pool)

    def seconds_since_change(self) -> float:
        """Return for how long the desired pool has been what it is."""
        return time.time() - self._layout.desired.stat().st_mtime

    def answers_from(self, pool: str) -> bool:
        """Whether some requests in a row were answered by this pool, at the first attempt."""
        address = self._fleet.address(pool)
        return all(self._one_answers_from(pool, address) for _ in range(ANSWERS))

    # Private

    def _one_answers_from(self, pool: str, address: str) -> bool:
        try:
            answer = requests.get(self._url, timeout=LIMIT_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return False
        if not _is_answer(answer.status_code):
            return False
        attempts = self._attempts(answer.headers.get("X-Request-ID", ""))
        if attempts is None:
            return answer.headers.get("X-App-Pool") == pool
        return attempts == [address]

    def _attempts(self, request: str) -> list[str] | None:
        """Return the addresses that nginx asked for this request; None where the log is closed."""
        wanted = b"request_id=" + request.encode()
        deadline = time.monotonic() + LINE_LIMIT_SECONDS
        try:
            while request and time.monotonic() < deadline:
                for line in self._last_lines():
                    if wanted in line and (found := read(line)):
                        return [address for address, _ in found.attempts]
                time.sleep(0.02)
        except OSError:
            return None
        return None

    def _last_lines(self) -> Iterator[bytes]:
        log = self._layout.access_log
        # The line may be the last one before a rotation.
        for path in (log, log.with_name(f"{log.name}.1")):
            if path.exists():
                yield from reversed(_tail(path))


# Private


def _is_answer(status: int | None) -> bool:
    return status is not None and status < SERVER_ERROR


def _tail(path: Path) -> list[bytes]:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LOOK_BACK_BYTES))
        return log.read().splitlines()
