"""Clients of a front door, counted to the request. All of them stop by themselves."""

import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Self

LIMIT_SECONDS = 60
AT_A_TIME = 100


class Clients:
    """Something that sends requests in the background until it is stopped."""

    def __init__(self, port: int, *, seconds: float = LIMIT_SECONDS, host: str = "127.0.0.1"):
        self.address = (host, port)
        self.outcomes: Counter[str] = Counter()
        self.failed_at: list[float] = []
        self._seconds = seconds
        self._over = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=work) for work in self.work()]
        self._end = time.monotonic() + self._seconds
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Self:
        """Stop, and wait for the answers that are due."""
        self._over.set()
        for thread in self._threads:
            thread.join(LIMIT_SECONDS)
        return self

    @property
    def sent(self) -> int:
        """How many requests have ended, one way or the other."""
        return self.outcomes.total()

    @property
    def failed(self) -> int:
        """How many of them did not end with 200."""
        return self.sent - self.outcomes["200"]

    @property
    def refused_for(self) -> float:
        """The seconds between the first and the last failure."""
        return max(self.failed_at) - min(self.failed_at) if self.failed_at else 0.0

    def is_over(self) -> bool:
        """Whether to send no more."""
        return self._over.is_set() or time.monotonic() > self._end

    def note(self, outcome: str) -> None:
        """Count how a request ended."""
        with self._lock:
            self.outcomes[outcome] += 1
            if outcome != "200":
                self.failed_at.append(time.monotonic())

    def __str__(self) -> str:
        others = {k: v for k, v in self.outcomes.items() if k != "200"}
        return f"{self.failed} of {self.sent} failed in {self.refused_for:.2f} s: {others}"


class Newcomers(Clients):
    """Each request on a connection of its own, at a steady rate."""

    def __init__(self, port: int, *, rate: float = 400, method: str = "GET", **options):
        super().__init__(port, **options)
        self._rate, self._method = rate, method

    def work(self):
        """One thread that has others send."""
        return [self._send_all]

    def _send_all(self) -> None:
        start, number = time.monotonic(), 0
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            while not self.is_over():
                number += 1
                self._over.wait(max(0.0, start + number / self._rate - time.monotonic()))
                pool.submit(self._send_one)

    def _send_one(self) -> None:
        try:
            with socket.create_connection(self.address, timeout=10) as client:
                self.note(exchange(client, self._method, close=True))
        except OSError as error:
            self.note(type(error).__name__)


class KeepAlive(Clients):
    """POSTs on connections that are kept, by clients who believe that they stay open.

    A client that is told `Connection: close` opens another one; that is no failure.
    """

    def __init__(
        self, port: int, *, clients: int = 32, pause: float = 0.0, path: str = "/", **options
    ):
        super().__init__(port, **options)
        self._path = path
        self._clients, self._pause = clients, pause

    def work(self):
        """One thread a client."""
        return [self._talk] * self._clients

    def _talk(self) -> None:
        client = None
        while not self.is_over():
            try:
                if client is None:
                    client = socket.create_connection(self.address, timeout=10)
                outcome, stays = exchange_kept(client, "POST", path=self._path)
                self.note(outcome)
                if not stays:
                    client.close()
                    client = None
            except OSError as error:
                self.note(type(error).__name__)
                if client is not None:
                    client.close()
                client = None
            self._over.wait(self._pause)
        if client is not None:
            client.close()


class SlowDownload:
    """One client that takes its time: a connection that stays open until it is left."""

    def __init__(self, port: int, *, path: str = "/drip?seconds=60", host: str = "127.0.0.1"):
        self._request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self._address = (host, port)
        self.got = b""

    def __enter__(self) -> Self:
        self.socket = socket.create_connection(self._address, timeout=10)
        self.socket.sendall(self._request)
        self.got = self.socket.recv(65536)
        assert b" 200 " in self.got
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def goes_on(self) -> bool:
        """Whether more comes."""
        with suppress(OSError):
            self.socket.settimeout(2)
            return bool(self.socket.recv(65536))
        return False

    def read_all(self, *, seconds: float) -> int:
        """Return how many bytes of the body came until the end, or in so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                block = self.socket.recv(65536)
            except OSError:
                break
            if not block:
                break
            self.got += block
            if len(self.got.partition(b"\r\n\r\n")[2]) >= _length(self.got):
                break
        return len(self.got.partition(b"\r\n\r\n")[2])


def exchange(client: socket.socket, method: str, *, close: bool = False) -> str:
    """Send one request and return the status of the answer; raises OSError where none comes."""
    return exchange_kept(client, method, close=close)[0]


def exchange_kept(
    client: socket.socket, method: str, *, path: str = "/", close: bool = False
) -> tuple[str, bool]:
    """Do the same, and return whether the connection stays open as well."""
    body = b"x" if method == "POST" else b""
    connection = "Connection: close\r\n" if close else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{connection}\r\n"
    client.sendall(head.encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
        block = client.recv(65536)
        if not block:
            raise ConnectionResetError
        answer += block
    status = answer.split(b" ", 2)[1].decode()
    return status, b"\r\nConnection: close\r\n" not in answer


def _length(answer: bytes) -> int:
    head = answer.partition(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
