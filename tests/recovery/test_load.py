"""The clients that count: each way in which a request fails has its name, and none is missed."""

import socket
import socketserver
import threading

import pytest
from load import Load

from teal.wait import wait_for

ANSWER = b"HTTP/1.1 %s\r\nContent-Length: 3\r\nConnection: %s\r\n\r\nok\n"


class Server(socketserver.ThreadingTCPServer):
    """Answers what each path says, and counts."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = 0
        self.connections = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        """Answer requests until the client goes."""
        with self.server.lock:
            self.server.connections += 1
        while first := self.rfile.readline():
            head = [first, *iter(self.rfile.readline, b"\r\n")]
            length = [int(line.split(b":")[1]) for line in head if b"Content-Length" in line]
            self.rfile.read(sum(length))
            with self.server.lock:
                self.server.asked += 1
            match first.split()[1]:
                case b"/good":
                    self.wfile.write(ANSWER % (b"200 OK", b"keep-alive"))
                case b"/last":
                    self.wfile.write(ANSWER % (b"200 OK", b"close"))
                    return
                case b"/silently-last":
                    self.wfile.write(ANSWER % (b"200 OK", b"keep-alive"))
                    return
                case b"/broken":
                    self.wfile.write(ANSWER % (b"502 Bad Gateway", b"keep-alive"))
                case b"/half":
                    self.wfile.write((ANSWER % (b"200 OK", b"close"))[:-2])
                    return
                case _:
                    return


@pytest.fixture
def server():
    """Return a server."""
    with Server() as made:
        yield made
        made.shutdown()


def _sent(server_url, path):
    """Return the counts of 100 GETs to a path, and 50 POSTs to a good one."""
    rates = {"GET": 200, "POST": 100}
    with Load(server_url, rates=rates, get=path, post="/good", seconds=0.5) as load:
        return load.wait()


def test_what_is_answered_is_good(server):
    """All of it, on kept connections and on fresh ones."""
    seen = _sent(server.url, "/good")

    assert (100, 100, {}) == tuple(seen["GET"][key] for key in ("sent", "good", "failed"))
    assert (50, 50, {}) == tuple(seen["POST"][key] for key in ("sent", "good", "failed"))
    assert 150 == server.asked
    assert server.connections < 150
    assert seen["longest_gap_seconds"] < 0.5


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/broken", {"502"}),
        ("/half", {"cut"}),
        # On a connection that a POST had used before, nobody can tell it from a stale one.
        ("/nothing", {"reset", "stale"}),
    ],
)
def test_each_failure_has_its_name(server, path, kinds):
    """And a failed GET does not make a POST fail."""
    seen = _sent(server.url, path)

    assert kinds == set(seen["GET"]["failed"])
    assert 100 == sum(seen["GET"]["failed"].values())
    assert {} == seen["POST"]["failed"]


def test_a_server_that_says_close_is_not_asked_again_on_that_connection(server):
    """That is no failure."""
    assert {} == _sent(server.url, "/last")["GET"]["failed"]


def test_a_connection_that_was_closed_without_a_word_fails(server):
    """The clients are simple: they send, and find out."""
    seen = _sent(server.url, "/silently-last")

    assert {"stale"} == set(seen["GET"]["failed"])


def test_nobody_there_is_refused_and_a_gap_to_the_end():
    """An outage that has not ended is as long as it lasted."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    seen = _sent(f"http://127.0.0.1:{port}", "/good")

    assert {"refused": 100} == seen["GET"]["failed"]
    assert {"refused": 50} == seen["POST"]["failed"]
    assert seen["longest_gap_seconds"] > 0.4


def test_it_stops_when_it_is_told(server):
    """Long before its time is over, with every answer counted."""
    rates = {"GET": 100, "POST": 1}
    with Load(server.url, rates=rates, get="/good", post="/good", seconds=60) as load:
        wait_for(lambda: server.asked > 5, what="some requests", seconds=10)
        seen = load.stop()

    assert seen["GET"]["sent"] < 2000
    assert server.asked == seen["GET"]["good"] + seen["POST"]["good"]
