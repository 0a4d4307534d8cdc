"""Show nginx's routing decisions and the exporter's log together, readable, as they come.

Each request is one line: what was asked, what the client got, which pool answered, and which
attempts it took. Ctrl-C ends it.
"""

import argparse
import queue
import sys
import threading
from collections.abc import Iterable

from teal.arguments import whole
from teal.choose import choose
from teal.errors import RuntimeFailedError
from teal.follow_file import follow_file
from teal.settings import Settings
from teal.stack.access_log import read
from teal.stack.runtime import Runtime

DEFAULT_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make logs` takes."""
    parser.add_argument(
        "--lines", type=whole(least=0), default=DEFAULT_LINES, help="how many old lines"
    )
    parser.add_argument(
        "--part", help="what this part itself says, instead: nginx, prometheus, ..."
    )
    parser.add_argument("--no-follow", action="store_true", help="show the old lines and end")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show the logs."""
    runtime = choose(settings)
    follow = not arguments.no_follow
    if follow and not runtime.running():
        raise RuntimeFailedError(
            "nothing runs; start it with: make up (or see old lines: FOLLOW=0)"
        )
    if arguments.part:
        return _show_part(runtime, arguments.part, follow=follow, lines=arguments.lines)
    names = {address: pool for pool, address in runtime.pools.items()}
    requests = follow_file(runtime.layout.access_log, follow=follow, lines=arguments.lines)
    exporter = runtime.output("exporter", follow=follow, lines=arguments.lines)
    sources: list[Iterable[str]] = [
        (f"exporter  {line}" for line in exporter),
        (f"nginx     {readable(line, names)}" for line in requests),
    ]
    if not follow:
        for source in sources:
            for line in source:
                print(line)
        return 0
    lines: queue.Queue[str] = queue.Queue(maxsize=1000)
    for source in sources:
        threading.Thread(target=_pour, args=(source, lines), daemon=True).start()
    while True:
        print(lines.get())
        sys.stdout.flush()


def readable(line: str, pools: dict[str, str]) -> str:
    """Turn a line of the access log into words; a line of another format is returned as it is.

    `pools` maps addresses to the names of pools; another address stays as it is.
    """
    request = read(line.encode())
    if request is None or request.time is None or request.method is None or request.uri is None:
        return line
    attempts = [f"{pools.get(address, address)} {status}" for address, status in request.attempts]
    how = ", then ".join(attempts) if attempts else "nginx itself"
    mark = "  (retried)" if len(attempts) > 1 else ""
    return (
        f"{request.time[11:19]} {request.method} {request.uri} {request.status} "
        f"in {round((request.took or 0) * 1000)} ms <- {how}{mark}"
    )


# Private


def _show_part(runtime: Runtime, part: str, *, follow: bool, lines: int) -> int:
    started = runtime.running()
    if started and part not in started:
        raise RuntimeFailedError(f"{part!r} is no part of the stack; it has {', '.join(started)}")
    silent = True
    for line in runtime.output(part, follow=follow, lines=lines):
        print(line, flush=True)
        silent = False
    if silent:
        print(f"No output from {part}.")
    return 0


def _pour(source: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in source:
        lines.put(line)
