"""A small HTTP server: GET only, one answer per path, safe to stop."""

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

from nginxlog_exporter.settings import Address

log = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"
# What only Prometheus and those that scrape like it send.
SCRAPER_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
LOOK_SECONDS = 0.5
STOP_SECONDS = 1.0


class Answer(NamedTuple):
    """One HTTP answer."""

    body: bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


class Asked(NamedTuple):
    """What of a request decides the answer."""

    accept: str
    by_prometheus: bool


Routes = dict[str, Callable[[Asked], Answer]]


@contextmanager
def serving(address: Address, routes: Routes) -> Iterator[Address]:
    """Answer GET requests for these paths until the block ends; yields the address bound to.

    Port 0 takes a free one. Raises OSError if the address cannot be had.
    """

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            error = sys.exception()
            if not isinstance(error, (ConnectionError, TimeoutError)):
                log.error("a request could not be answered", exc_info=error)

    try:
        server = Server(address, _handler(routes))
    except OSError as error:
        raise OSError(error.errno, f"cannot listen at {address}: {error.strerror}") from error
    # Each look whether to stop wakes the processor.
    thread = threading.Thread(
        target=server.serve_forever, args=(LOOK_SECONDS,), name="http", daemon=True
    )
    thread.start()
    try:
        yield Address(address.host, server.server_address[1])
    finally:
        server.shutdown()
        thread.join(STOP_SECONDS)
        server.server_close()


# Private


def _handler(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A client that says nothing keeps a thread for this long, in seconds.
        timeout = 30

        def do_GET(self) -> None:
            route = routes.get(urlsplit(self.path).path)
            asked = Asked(self.headers.get("Accept", ""), SCRAPER_HEADER in self.headers)
            self._send(
                route(asked) if route else Answer(b"not found\n", status=HTTPStatus.NOT_FOUND)
            )

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Scrapes are no news."""

    return Handler
