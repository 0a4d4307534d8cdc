"""Client traffic through the front door, bounded in rate and time, counted to the request."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

import requests

SERVER_ERROR = 500
# A pool that hangs keeps its clients waiting for READ_TIMEOUT: this many may wait at a time.
MOST_AT_A_TIME = 200
CLIENT_LIMIT_SECONDS = 30


@dataclass
class Result:
    """What the clients saw. A request failed when it got a 5xx or no answer."""

    sent: int = 0
    failed: int = 0
    slowest_seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)


class Traffic:
    """Requests at a steady rate until stopped, or for `seconds` at most.

    The rate does not fall when answers come late: real users do not wait for each other.
    """

    def __init__(self, url: str, *, rate: float, seconds: float, method: str = "GET") -> None:
        self.result = Result()
        self._url = url
        self._method = method
        self._rate = rate
        self._seconds = seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._thread = threading.Thread(target=self._send_all, name="traffic")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Result:
        """Stop sending, wait for the answers that are due, return what happened."""
        self._stop.set()
        self._thread.join(timeout=CLIENT_LIMIT_SECONDS + 5)
        return self.result

    def wait(self) -> Result:
        """Wait until the time is over, return what happened."""
        self._thread.join(timeout=self._seconds + CLIENT_LIMIT_SECONDS + 5)
        return self.result

    # Private

    def _send_all(self) -> None:
        start = time.monotonic()
        with ThreadPoolExecutor(MOST_AT_A_TIME) as clients:
            for number in range(int(self._rate * self._seconds)):
                if self._stop.wait(max(0.0, start + number / self._rate - time.monotonic())):
                    return
                clients.submit(self._send_one)

    def _send_one(self) -> None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        start = time.monotonic()
        reason, pool = None, "nobody"
        try:
            answer = self._local.session.request(
                self._method, self._url, timeout=CLIENT_LIMIT_SECONDS
            )
            pool = answer.headers.get("X-App-Pool", "unnamed")
            if answer.status_code >= SERVER_ERROR:
                reason = f"status {answer.status_code}"
        except requests.RequestException as error:
            reason = type(error).__name__
        took = time.monotonic() - start
        with self._lock:
            self.result.sent += 1
            self.result.answered_by[pool] += 1
            self.result.slowest_seconds = max(self.result.slowest_seconds, took)
            if reason:
                self.result.failed += 1
                self.result.reasons[reason] += 1
