"""The demo application as a process: how it stops, dies, hangs and hangs up."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from served import LIMIT_SECONDS, Served, start

GREEN = {"POOL": "green", "RELEASE": "v2"}


@pytest.fixture
def demo() -> Iterator[Served]:
    """Serve a green pool."""
    with Served("demo", **GREEN) as served:
        yield served


def test_sigterm_lets_a_request_in_flight_finish(demo: Served) -> None:
    """What a client was promised is delivered, whole; then the process is gone."""
    with ThreadPoolExecutor() as pool:
        connection = socket.create_connection(("127.0.0.1", demo.port), timeout=LIMIT_SECONDS)
        connection.sendall(b"GET /slow?seconds=2 HTTP/1.1\r\nHost: test\r\n\r\n")
        answered = pool.submit(_read_all, connection)
        _wait_until_taken(demo)

        demo.process.send_signal(signal.SIGTERM)

        answer = answered.result(timeout=LIMIT_SECONDS)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'"slept_seconds":2.0}\n')
    assert demo.wait_for_exit() == 0


def test_crash_kills_master_and_worker_at_once(demo: Served) -> None:
    """As kill -9 would: no process of the tree is left, and a request in flight gets no answer."""
    processes = demo.processes()
    assert len(processes) == 2
    connection = socket.create_connection(("127.0.0.1", demo.port), timeout=LIMIT_SECONDS)
    connection.sendall(b"GET /slow?seconds=20 HTTP/1.1\r\nHost: test\r\n\r\n")
    _wait_until_taken(demo)

    requests.post(f"{demo.url}/chaos/start?mode=crash", timeout=5)

    assert demo.wait_for_exit() == 128 + signal.SIGKILL
    assert _read_all(connection) == b""
    assert not demo.answers()
    _wait_until_gone(processes[1])


def test_a_worker_does_not_outlive_its_master(demo: Served) -> None:
    """Kept connections would hold the port, and what is started next could not have it."""
    master, worker = demo.processes()
    with requests.Session() as session:
        session.get(f"{demo.url}/version", timeout=5)

        demo.process.kill()

        _wait_until_gone(worker)
    assert master == demo.process.pid


def test_stop_frees_a_hundred_hanging_requests_at_once(demo: Served) -> None:
    """The control path finds a thread beside them, and none waits for its own eight seconds."""
    requests.post(f"{demo.url}/chaos/start?mode=timeout", timeout=5)
    with ThreadPoolExecutor(max_workers=100) as pool:
        hanging = [pool.submit(requests.get, demo.url, timeout=LIMIT_SECONDS) for _ in range(100)]
        _wait_until_affected(demo, 100)

        asked_at = time.monotonic()
        requests.post(f"{demo.url}/chaos/stop", timeout=5)
        statuses = {answer.result(timeout=LIMIT_SECONDS).status_code for answer in hanging}
        seconds = time.monotonic() - asked_at

    assert statuses == {504}
    assert seconds < 4
    assert demo.answers()


def test_disconnect_hangs_up_without_a_byte(demo: Served) -> None:
    """The client sees an empty reply, as from a process that died."""
    requests.post(f"{demo.url}/chaos/start?mode=disconnect", timeout=5)

    with socket.create_connection(("127.0.0.1", demo.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert _read_all(connection) == b""

    requests.post(f"{demo.url}/chaos/stop", timeout=5)
    assert demo.answers()


def test_a_stream_ticks_and_ends(demo: Served) -> None:
    """Server-sent events that name the pool."""
    answer = requests.get(f"{demo.url}/stream?seconds=1", timeout=LIMIT_SECONDS)

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.text.count("event: tick") >= 2
    assert '"pool": "green"' in answer.text


def test_a_stream_ends_soon_when_the_process_is_stopped(demo: Served) -> None:
    """An endless answer does not hold up a stop."""
    with requests.get(f"{demo.url}/stream?seconds=300", stream=True, timeout=5) as answer:
        ticks = answer.iter_lines()
        next(ticks)
        threading.Timer(0, demo.process.terminate).start()
        for _ in ticks:
            pass

    assert demo.process.wait(timeout=10) == 0


@pytest.mark.parametrize("wrong", [{"POOL": "red"}, {"RELEASE": ""}, {"PORT": "x"}])
def test_a_wrong_setting_is_one_line_and_status_2(wrong: dict[str, str]) -> None:
    """The line names the variable."""
    process = start("demo", {"PORT": "1", **GREEN, **wrong})
    _, errors = process.communicate(timeout=LIMIT_SECONDS)

    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert f"{next(iter(wrong))} must be" in errors


def _read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    parts = []
    try:
        while part := connection.recv(4096):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def _wait_until_taken(demo: Served) -> None:
    """Wait until the request sent before this call is being answered.

    Requests are taken in the order of arrival, so an answer to a later one shows it.
    """
    assert demo.answers()


def _wait_until_affected(demo: Served, number: int) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while requests.get(f"{demo.url}/chaos", timeout=5).json()["requests_affected"] < number:
        assert time.monotonic() < deadline, f"not {number} requests hang"
        time.sleep(0.05)


def _wait_until_gone(process: int) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, f"process {process} lives"
        time.sleep(0.05)
