"""A small HTTP server: GET and HEAD, one answer per path, safe to stop."""

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nginxlog_exporter.access import Access
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


# What socketserver calls a request.
Connection = socket.socket | tuple[bytes, socket.socket]
Routes = dict[str, Callable[[Asked], Answer]]


@contextmanager
def serving(address: Address, routes: Routes, access: Access | None = None) -> Iterator[Address]:
    """Answer requests for these paths until the block ends; yields the address bound to.

    Port 0 takes a free one. Without `access` everybody is answered. Raises OSError if the address
    cannot be had.
    """
    try:
        server = _Server(address, routes, access or Access())
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

# A client that says nothing keeps a thread for this long, in seconds.
_SILENT_SECONDS = 30
_MOST_CONNECTIONS = 100


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = _MOST_CONNECTIONS

    def __init__(self, address: Address, routes: Routes, access: Access) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.routes = routes
        self.access = access
        # More would take the files away that the reader has to open.
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Connection, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._free.release()
            raise

    def process_request_thread(self, request: Connection, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def finish_request(self, request: Connection, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        tls = self.access.tls()
        if tls is None:
            super().finish_request(request, client_address)
            return
        # Here and not where connections are accepted: a silent client must not hold up the others.
        assert isinstance(request, socket.socket)  # noqa: S101 - it is no datagram
        request.settimeout(_SILENT_SECONDS)
        with tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, *_: object) -> None:
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            log.error("a request could not be answered", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "nginxlog-exporter"
    sys_version = ""
    timeout = _SILENT_SECONDS
    # Header and body go out as they come; together with the client's delayed acknowledgement,
    # waiting to join them costs 40 ms on a kept connection.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(self._answer())

    def do_HEAD(self) -> None:
        self._send(self._answer(), with_body=False)

    def _answer(self) -> Answer:
        if not self.server.access.allows(self.headers.get("Authorization")):
            return Answer(b"a password is needed\n", status=HTTPStatus.UNAUTHORIZED)
        route = self.server.routes.get(urlsplit(self.path).path)
        if route is None:
            return Answer(b"not found\n", status=HTTPStatus.NOT_FOUND)
        return route(Asked(self.headers.get("Accept", ""), SCRAPER_HEADER in self.headers))

    def _send(self, answer: Answer, *, with_body: bool = True) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Basic")
        for name, value in self.server.access.headers().items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Scrapes are no news."""
