"""What a client can and cannot do at the front door, on the real nginx."""

import socket

import pytest
import requests

from teal.processes.runtime import LocalRuntime
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "path",
    [
        "/chaos",
        "/chaos/start?mode=error",
        "//chaos/start?mode=error",
        "/%63haos/start?mode=error",
        "/x/../chaos/start?mode=error",
        "/CHAOS/start",
        "/x%2f..%2fchaos/start?mode=error",
        "/metrics",
        "/-/quit",
    ],
)
def test_control_paths_are_refused(stack, path):
    """However a control path is spelt, it ends at the front door and starts nothing."""
    with socket.create_connection(("127.0.0.1", stack.settings.http_port), timeout=5) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 403")
    chaos = requests.get(f"http://127.0.0.1:{stack.settings.blue_port}/chaos", timeout=5).json()
    assert chaos["mode"] is None


def test_an_absolute_request_line_does_not_reach_control_paths_either(stack):
    """`GET http://host/chaos` is the same path in other clothes."""
    with socket.create_connection(("127.0.0.1", stack.settings.http_port), timeout=5) as client:
        client.sendall(
            b"GET http://pool/chaos/start?mode=error HTTP/1.1\r\n"
            b"Host: pool\r\nConnection: close\r\n\r\n"
        )
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 403")


def test_a_client_cannot_say_who_answered(stack):
    """X-App-Pool and X-Release-Id come from the pool, whatever the client sends."""
    answer = stack.get("/", headers={"X-App-Pool": "evil", "X-Release-Id": "evil"})

    assert "blue" == answer.headers["X-App-Pool"]
    assert "v1" == answer.headers["X-Release-Id"]
    assert not any("evil" in line for line in stack.log_lines()[-3:])


def test_nginx_tells_its_own_health_without_the_pools(stack):
    """/healthz is nginx's own, and leaves no line in the log."""
    before = len(stack.log_lines())
    answer = stack.get("/healthz")

    assert (200, "ok\n") == (answer.status_code, answer.text)
    assert "X-App-Pool" not in answer.headers
    assert before == len(stack.log_lines())


def test_stub_status_is_on_a_private_port(stack):
    """nginx's numbers are there, and not at the front door."""
    private = requests.get(f"http://127.0.0.1:{stack.settings.status_port}/stub_status", timeout=5)
    assert "Active connections" in private.text
    assert "Active connections" not in stack.get("/stub_status").text


def test_events_stream_through_unbuffered(stack):
    """Server-sent events arrive as they are sent, not when the answer is complete."""
    with stack.get("/stream?seconds=3", stream=True) as answer:
        first = next(answer.iter_lines())

    assert first
    wait_for(
        lambda: "streaming=1" in stack.log_lines()[-1],
        what="the log line of the stream",
        seconds=10,
    )


def test_a_post_is_not_repeated_after_it_reached_a_pool(stack):
    """A POST that a pool answered with 500 may have had effects: it is not sent again."""
    pool = f"http://127.0.0.1:{stack.settings.blue_port}/chaos"
    requests.post(f"{pool}/start?mode=error&seconds=20", timeout=5).raise_for_status()
    try:
        answer = requests.post(f"{stack.settings.front}/echo", data="x", timeout=10)
    finally:
        requests.post(f"{pool}/stop", timeout=5)

    assert 500 == answer.status_code
    assert 'upstream_status="500"' in stack.log_lines()[-1]


def test_a_url_that_fails_everywhere_harms_only_its_own_requests(stack):
    """The poison request: 500 on both pools, again and again, takes neither of them away."""
    pools = [
        f"http://127.0.0.1:{p}/chaos" for p in (stack.settings.blue_port, stack.settings.green_port)
    ]
    for pool in pools:
        requests.post(f"{pool}/start?mode=error&seconds=20", timeout=5).raise_for_status()
    poisoned = [stack.get("/").status_code for _ in range(10)]
    for pool in pools:
        requests.post(f"{pool}/stop", timeout=5)
    healthy = [stack.get("/").status_code for _ in range(10)]

    assert [500] * 10 == poisoned
    assert [200] * 10 == healthy


def test_both_pools_dead_is_a_502_and_ends_with_them(stack):
    """An outage is an outage, but it is over the moment a pool is back."""
    runtime = LocalRuntime(stack.settings)
    for pool in ("blue", "green"):
        runtime.kill(pool)
    during = stack.get("/").status_code
    for pool in ("blue", "green"):
        runtime.revive(pool)
    wait_for(lambda: stack.get("/").status_code == 200, what="the front door", seconds=15)

    assert 502 == during


def test_rubbish_is_logged_and_parsed(stack):
    """A request line that is none leaves a line that the exporter understands."""
    before = stack.metric('sum(nginxlog_exporter_lines_total{result="parsed"})') or 0
    with socket.create_connection(("127.0.0.1", stack.settings.http_port), timeout=5) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        client.makefile("rb").read()
    wait_for(
        lambda: (stack.metric('sum(nginxlog_exporter_lines_total{result="parsed"})') or 0) > before,
        what="the exporter to count the line",
        seconds=10,
    )

    assert 0 == stack.metric('sum(nginxlog_exporter_lines_total{result="unparsed"})')
