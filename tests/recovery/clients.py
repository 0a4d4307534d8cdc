"""Clients that take their time: a slow reader, an open event stream, uploads that come together."""

import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LIMIT_SECONDS = 120
BLOCK = 65536


class SlowReader:
    """Reads an answer at a fixed pace in the background, after `seconds` at full speed."""

    def __init__(self, url: str, *, bytes_per_second: int, seconds: float) -> None:
        self._address = urlsplit(url)
        self._pace = bytes_per_second
        self._seconds = seconds
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._begun = threading.Event()
        self.received = 0
        self.expected: int | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(LIMIT_SECONDS), "the answer does not begin"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wait()

    def wait(self) -> bool:
        """Wait for the end; return whether the whole answer came."""
        self._thread.join(LIMIT_SECONDS)
        return self.received == self.expected

    def _read(self) -> None:
        a = self._address
        target = f"{a.path}?{a.query}"
        with suppress(OSError), socket.create_connection((a.hostname, a.port), timeout=30) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * BLOCK)
            s.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, first = s.makefile("rb", buffering=0).read(BLOCK).partition(b"\r\n\r\n")
            for line in head.decode().lower().split("\r\n"):
                if line.startswith("content-length:"):
                    self.expected = int(line.split(":")[1])
            self.received = len(first)
            self._begun.set()
            began = time.monotonic()
            while block := s.recv(BLOCK):
                self.received += len(block)
                ahead = self.received / self._pace - (time.monotonic() - began)
                if ahead > 0 and time.monotonic() - began < self._seconds:
                    time.sleep(min(ahead, 1))


@contextmanager
def open_stream(front: str, *, seconds: int = 60) -> Iterator[None]:
    """Hold a slow answer open, as a download to a slow reader or an event stream is."""
    address = urlsplit(front)
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(f"GET /stream?seconds={seconds} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 200 " in client.recv(BLOCK)
        yield


def upload_together(url: str, *, count: int, size: int) -> Counter[str]:
    """Send `count` bodies of `size` bytes at once, all begun before any ends; count the answers."""
    answers: Counter[str] = Counter()
    almost = threading.Barrier(count, timeout=LIMIT_SECONDS)
    address = urlsplit(url)

    def send() -> None:
        try:
            with socket.create_connection((address.hostname, address.port), timeout=60) as s:
                head = f"POST {address.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                s.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
                left = size
                with suppress(ConnectionError):
                    while left > BLOCK:
                        s.sendall(b"x" * BLOCK)
                        left -= BLOCK
                # The last block when everybody has come so far: all bodies lie there together.
                almost.wait()
                with suppress(ConnectionError):
                    s.sendall(b"x" * left)
                answers[s.recv(BLOCK).split(b" ")[1].decode()] += 1
        except (OSError, IndexError, threading.BrokenBarrierError) as error:
            answers[type(error).__name__] += 1

    _all_at_once(send, count)
    return answers


def post_in_step(front: str, *, clients: int, rounds: int, pause: float) -> Counter[str]:
    """Have clients that keep their connections all post at one moment, again after each pause.

    So the connections to the pools are idle for just that long. Return how many got which status.
    """
    answers: Counter[str] = Counter()
    address = urlsplit(front)
    lock = threading.Lock()
    step = threading.Barrier(clients, timeout=LIMIT_SECONDS)

    def post() -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        for number in range(rounds):
            step.wait()
            # Around the pause by some milliseconds: the race is lost in a moment only.
            time.sleep(pause + (number % 9 - 4) / 1000)
            try:
                connection.request("POST", "/", body=b"x")
                answer = connection.getresponse()
                answer.read()
                kind = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                kind = type(error).__name__
            with lock:
                answers[kind] += 1

    _all_at_once(post, clients)
    return answers


def small_post(url: str) -> str:
    """Post a body too large for a buffer in memory, as everybody does; return the status."""
    try:
        with urllib.request.urlopen(url, data=b"x" * 100_000, timeout=30) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return type(error).__name__


# Private


def _all_at_once(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
