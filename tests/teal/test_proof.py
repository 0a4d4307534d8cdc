"""The proof that a pool serves: what counts as an answer, and where it came from."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from teal.rollout.proof import Front, UnprovenError, on_its_own_port
from teal.settings import load
from teal.stack.layout import Layout


class _Fleet:
    """Answers `/` of each pool with a status."""

    def __init__(self, **statuses):
        self._statuses = statuses

    def ask(self, pool, _path):
        return self._statuses[pool]

    def address(self, pool):
        return {"blue": "10.0.0.1:80", "green": "10.0.0.2:80"}[pool]


@pytest.mark.parametrize("status", [200, 204, 301, 302, 401, 403, 404, 405, 429])
def test_below_500_is_an_answer(status):
    """Nobody knows what an application has at `/`."""
    on_its_own_port(_Fleet(blue=200, green=status), "green")


@pytest.mark.parametrize("status", [500, 502, 503, None])
def test_an_error_or_no_answer_is_none(status):
    """Where the other pool does better."""
    with pytest.raises(UnprovenError, match=f"green answers / with {status or 'nothing'}"):
        on_its_own_port(_Fleet(blue=200, green=status), "green")


def test_what_the_other_pool_cannot_either_is_not_held_against_it():
    """The question is to blame."""
    on_its_own_port(_Fleet(blue=503, green=503), "green")


def line(attempts, request_id):
    """Return a line of the log as nginx writes it."""
    statuses = ", ".join("200" for _ in attempts.split(", "))
    return (
        f'desired="blue" method="GET" status=200 upstream_addr="{attempts}" '
        f'upstream_status="{statuses}" release="v1" streaming=0 request_time=0.001 '
        'upstream_response_time="0.001" upstream_connect_time="0.000" bytes_sent=1 '
        'request_length=1 msec=1.000 time=2026-01-02T14:03:12+00:00 remote_addr="127.0.0.1" '
        f'request_id={request_id} uri="/" user_agent="-"\n'
    )


@pytest.fixture
def front(tmp_path):
    """Return a front door that writes the log as nginx does, and what it writes into it."""
    seen = {"attempts": "10.0.0.2:80", "status": 200, "location": None}
    layout = Layout(tmp_path)
    layout.log.mkdir()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            with layout.access_log.open("a") as log:
                log.write(line(seen["attempts"], f"abc{id(self)}"))
            self.send_response(seen["status"])
            self.send_header("X-Request-ID", f"abc{id(self)}")
            if seen["location"]:
                self.send_header("Location", seen["location"])
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = load({"HTTP_ADDR": "127.0.0.1", "HTTP_PORT": str(server.server_port)})
    yield Front(settings, layout, _Fleet()), seen, layout
    server.shutdown()
    server.server_close()


def test_the_log_says_who_answered(front):
    """No header of the application is needed."""
    door, _, _ = front

    assert door.answers_from("green")
    assert not door.answers_from("blue")


def test_an_answer_at_the_second_attempt_is_no_proof(front):
    """The pool was asked, and another one had to help."""
    door, seen, _ = front
    seen["attempts"] = "10.0.0.2:80, 10.0.0.1:80"

    assert not door.answers_from("green")
    assert not door.answers_from("blue")


def test_a_redirect_is_an_answer_and_is_not_followed(front):
    """It may lead anywhere."""
    door, seen, _ = front
    seen["status"], seen["location"] = 302, "http://127.0.0.1:9/"

    assert door.answers_from("green")


def test_an_error_is_no_proof(front):
    """Whoever answered it."""
    door, seen, _ = front
    seen["status"] = 502

    assert not door.answers_from("green")


def test_a_line_before_a_rotation_is_found(front):
    """The log was renamed between the answer and the look."""
    door, _, layout = front
    layout.access_log.write_text("")
    original = door._last_lines

    def rotated():
        if layout.access_log.exists():
            layout.access_log.rename(layout.log / "access.log.1")
        return original()

    door._last_lines = rotated

    assert door._one_answers_from("green", "10.0.0.2:80")
