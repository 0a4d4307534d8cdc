"""A small HTTP server: GET and HEAD, one answer per path, TLS if wanted, safe to stop."""

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nginxlog_exporter.metrics.zero_initialise import Scraper
from nginxlog_exporter.web.connections import Connections
from nginxlog_exporter.web.web_config import WebConfig, WebFile

log = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"
# What only Prometheus and those that scrape like it send.
SCRAPER_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
LOOK_SECONDS = 0.5
STOP_SECONDS = 1.0
# Prometheus needs one connection, a person with a browser a few. Each is a thread.
MAX_CONNECTIONS = 32
# For a client to agree on the encryption.
HANDSHAKE_SECONDS = 5.0


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class HttpResponse(NamedTuple):
    """One HTTP response."""

    body: bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = MappingProxyType({})


class HttpRequest(NamedTuple):
    """What of a request decides the response."""

    accept: str
    by_prometheus: bool
    scraper: Scraper


Routes = dict[str, Callable[[HttpRequest], HttpResponse]]


@contextmanager
def serving(
    address: Address, routes: Routes, web_config: WebFile | None = None
) -> Iterator[Address]:
    """Answer requests for these paths until the block ends; yields the address bound to.

    Port 0 takes a free one. Raises OSError if the address cannot be had.
    """
    try:
        server = _Server(address, routes, web_config)
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

# Connections in the order in which they came.
_NUMBERS = count()
_OF_PROXIES = ("Forwarded", "Via", "X-Forwarded-For")
_NOT_FOUND = HttpResponse(b"not found\n", status=HTTPStatus.NOT_FOUND)
_UNAUTHORIZED = HttpResponse(
    b"unauthorized\n",
    status=HTTPStatus.UNAUTHORIZED,
    headers={"WWW-Authenticate": 'Basic realm="nginxlog-exporter", charset="UTF-8"'},
)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    # A client that says nothing keeps a thread for this long, in seconds.
    timeout = 30
    # Header and body leave together and at once; else a kept-alive client waits for the kernel's
    # timers, 40 ms each time.
    wbufsize = 65536
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._number = next(_NUMBERS)

    def do_GET(self) -> None:
        web = self.server.current()
        if getattr(self.connection, "context", None) is not web.tls:
            # The rules of who may connect have changed since: the client has to do so again.
            self.close_connection = True
            return
        with self.server.connections.busy(self.connection):
            response = self._respond(web)
        self._send(response, web.headers)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _respond(self, web: WebConfig) -> HttpResponse:
        if web.users and not web.users.admit(self.headers.get("Authorization", "")):
            return _UNAUTHORIZED
        route = self.server.routes.get(urlsplit(self.path).path)
        request = HttpRequest(
            self.headers.get("Accept", ""), SCRAPER_HEADER in self.headers, self._scraper()
        )
        return route(request) if route else _NOT_FOUND

    def _scraper(self) -> Scraper:
        """Return who asks; behind a proxy one connection may be that of several."""
        forwarded = [self.headers[name] for name in _OF_PROXIES if name in self.headers]
        address = str(self.client_address[0])
        if forwarded:
            return Scraper(" ".join((address, *forwarded)))
        return Scraper(address, self._number)

    def _send(self, response: HttpResponse, headers: Mapping[str, str]) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in {**headers, **response.headers}.items():
            self.send_header(name, value)
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            # Nobody reads the body of a request, which must not be taken for the next one.
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def version_string(self) -> str:
        """Tell who answers, but not by which Python."""
        return "nginxlog-exporter"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Scrapes are no news."""


class _Server(ThreadingHTTPServer):
    """Accepts connections; each is a thread, in which all that waits for its client is done."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: Address, routes: Routes, web_config: WebFile | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.routes = routes
        self.current = web_config.current if web_config else WebConfig
        self.connections = Connections(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        tls = self.current().tls
        if tls:
            connection = tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, client

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401, ARG002
        return self.connections.admit(request)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if isinstance(request, ssl.SSLSocket):
            request.settimeout(HANDSHAKE_SECONDS)
            request.do_handshake()
        super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        self.connections.leave(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            log.error("a request could not be answered", exc_info=error)
