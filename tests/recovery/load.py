"""Clients that do not wait for each other: so many GETs and POSTs a second, each counted.

Half of the requests come on connections of their own, half on connections that are kept. A request
failed when it got a 5xx, no answer, or half of one; nothing is tried again. As a program it sends
until its standard input ends, or for SECONDS, and prints the counts as JSON.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

GETS_PER_SECOND = 300
POSTS_PER_SECOND = 100
# A pool that hangs is given up after READ_TIMEOUT (5 s), then the other one is asked.
CLIENT_LIMIT_SECONDS = 15
# So many clients keep a connection each, and use it some times a second.
KEPT_CONNECTIONS = 40
MOST_AT_A_TIME = 4000
LONGEST_SECONDS = 600
SERVER_ERROR = 500
BODY = b"x" * 200


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CutError(Exception):
    """The answer ended before its end."""


class StaleError(Exception):
    """A kept connection had been closed when it was used again."""


@dataclass
class Count:
    """What happened to the requests of one method; `failed` is by kind."""

    sent: int = 0
    good: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0


class Clients:
    """Requests at a steady rate to one front door."""

    def __init__(self, url: str, *, rates: dict[str, float], paths: dict[str, str]) -> None:
        address = urlsplit(url)
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port or 80
        self._rates = rates
        self._paths = paths
        # The clients that have nothing to do, each with its connection if it has one.
        self._kept: deque[Connection | None] = deque([None] * KEPT_CONNECTIONS)
        self._open = 0
        self._began = self._last_good = time.monotonic()
        self._gap = 0.0
        self._late = 0.0
        self._bad_seconds: Counter[int] = Counter()
        self.counts = {method: Count() for method in rates}

    async def send(self, seconds: float, stop: asyncio.Event) -> None:
        """Send until told to stop, for `seconds` at most; then wait for the answers due."""
        self._began = self._last_good = time.monotonic()
        flows = [self._flow(method, rate, seconds, stop) for method, rate in self._rates.items()]
        await asyncio.gather(*flows)
        # Since the last good answer: an outage that lasts to the end is a gap, too.
        self._note_gap()
        deadline = time.monotonic() + CLIENT_LIMIT_SECONDS + 2
        while self._open and time.monotonic() < deadline:  # noqa: ASYNC110 - many tasks, one count
            await asyncio.sleep(0.05)
        for _, writer in filter(None, self._kept):
            writer.close()

    def result(self) -> dict[str, Any]:
        """Return the counts as plain data; the keys of `bad_seconds` count from the start."""
        return {
            **{method: vars(count) for method, count in self.counts.items()},
            "longest_gap_seconds": round(self._gap, 2),
            # How far behind its own timetable this client was: the machine was busy then.
            "latest_start_seconds": round(self._late, 2),
            "bad_seconds": dict(sorted(self._bad_seconds.items())),
        }

    # Private

    async def _flow(self, method: str, rate: float, seconds: float, stop: asyncio.Event) -> None:
        tasks = set()
        start = time.monotonic()
        for number in range(int(rate * seconds)):
            wait = start + number / rate - time.monotonic()
            self._late = max(self._late, -wait)
            if wait > 0:
                await asyncio.sleep(wait)
            if stop.is_set():
                break
            task = asyncio.create_task(self._one(method, keep=number % 2 == 0))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=CLIENT_LIMIT_SECONDS + 2)

    async def _one(self, method: str, *, keep: bool) -> None:
        count = self.counts[method]
        count.sent += 1
        if self._open >= MOST_AT_A_TIME:
            self._bad(count, "too many open")
            return
        self._open += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(CLIENT_LIMIT_SECONDS):
                status = await self._exchange(method, keep=keep)
        except (TimeoutError, OSError, CutError, StaleError, ValueError) as error:
            self._bad(count, _kind(error))
        else:
            if status >= SERVER_ERROR:
                self._bad(count, str(status))
            else:
                count.good += 1
                self._note_gap()
        finally:
            self._open -= 1
            count.slowest_seconds = round(max(count.slowest_seconds, time.monotonic() - began), 2)

    async def _exchange(self, method: str, *, keep: bool) -> int:
        is_kept = keep and bool(self._kept)
        kept = self._take() if is_kept else None
        left: Connection | None = None
        try:
            reader, writer = kept or await asyncio.open_connection(self._host, self._port)
            try:
                status, may_keep = await self._ask(
                    method, reader, writer, keep=keep, again=bool(kept)
                )
            except BaseException:
                writer.transport.abort()
                raise
            if is_kept and may_keep:
                left = (reader, writer)
            else:
                writer.close()
            return status
        finally:
            if is_kept:
                self._kept.append(left)

    async def _ask(
        self,
        method: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        keep: bool,
        again: bool,
    ) -> tuple[int, bool]:
        """Return the status, and whether the connection may be used again."""
        writer.write(self._request(method, keep=keep))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            begun = isinstance(error, asyncio.IncompleteReadError) and error.partial
            if again and not begun:
                raise StaleError from error
            raise ConnectionResetError from error
        return await _rest(reader, head)

    def _take(self) -> Connection | None:
        # In turn, and not looked at before: the simplest clients that there are. Only what this
        # side has closed itself is no connection any more.
        kept = self._kept.popleft()
        return None if kept is None or kept[1].is_closing() else kept

    def _request(self, method: str, *, keep: bool) -> bytes:
        lines = [
            f"{method} {self._paths[method]} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            "User-Agent: teal-load",
        ]
        body = b""
        if method == "POST":
            body = BODY
            lines += [f"Content-Length: {len(body)}", "Content-Type: text/plain"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _bad(self, count: Count, kind: str) -> None:
        count.failed[kind] += 1
        self._bad_seconds[int(time.monotonic() - self._began)] += 1

    def _note_gap(self) -> None:
        now = time.monotonic()
        self._gap = max(self._gap, now - self._last_good)
        self._last_good = now


class Load:
    """The clients in a process of their own, so that a busy caller does not slow them down."""

    def __init__(
        self,
        url: str,
        *,
        rates: dict[str, float] | None = None,
        get: str = "/version",
        post: str = "/echo",
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        rates = rates or {"GET": GETS_PER_SECOND, "POST": POSTS_PER_SECOND}
        self.result: dict[str, Any] = {}
        self._command = [
            *(sys.executable, __file__, url, "--seconds", str(seconds)),
            *("--get", get, "--post", post),
            *("--gets", str(rates["GET"]), "--posts", str(rates["POST"])),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "sending\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> dict[str, Any]:
        """Stop sending, wait for the answers that are due, return the counts."""
        if not self.result:
            self._end(limit=2 * CLIENT_LIMIT_SECONDS + 10)
        return self.result

    def wait(self) -> dict[str, Any]:
        """Wait until the time is over and the answers have come, return the counts."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        self.result = json.loads(said)
        self._end(limit=CLIENT_LIMIT_SECONDS)
        return self.result

    def _end(self, *, limit: float) -> None:
        try:
            said, _ = self._process.communicate(timeout=limit)
            self.result = self.result or json.loads(said)
        finally:
            self._process.kill()


# Private


async def _rest(reader: asyncio.StreamReader, head: bytes) -> tuple[int, bool]:
    """Read the body; return the status, and whether the connection may be used again."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines if line)}
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise CutError from error
    return int(first.split(" ")[1]), headers.get("connection", "").lower() != "close"


def _kind(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "refused"
        case StaleError():
            return "stale"
        case CutError():
            return "cut"
        case ConnectionError():
            return "reset"
    return type(error).__name__


async def _until_input_ends(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    clients = Clients(
        options.url,
        rates={"GET": options.gets, "POST": options.posts},
        paths={"GET": options.get, "POST": options.post},
    )
    ending = asyncio.create_task(_until_input_ends(stop))
    print("sending", flush=True)
    await clients.send(min(options.seconds, LONGEST_SECONDS), stop)
    ending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ending
    print(json.dumps(clients.result()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the front door, http://127.0.0.1:8080")
    parser.add_argument("--seconds", type=float, default=10, help=f"{LONGEST_SECONDS} at most")
    parser.add_argument("--gets", type=float, default=GETS_PER_SECOND, help="a second")
    parser.add_argument("--posts", type=float, default=POSTS_PER_SECOND, help="a second")
    parser.add_argument("--get", default="/version", help="the path of a GET")
    parser.add_argument("--post", default="/echo", help="the path of a POST")
    asyncio.run(_main(parser.parse_args()))
