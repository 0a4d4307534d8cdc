"""`make up` and `make switch` as plain processes: nothing they do costs a request."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from fix_stack import ROOT, free_ports
from loaded import loaded

from teal.stack.ports import is_taken
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def rolling(make_stack):
    """Return a stack of this file's own that is up."""
    # A busy machine answers late; that is no fault of what is tried here.
    stack = make_stack(READ_TIMEOUT="20s")
    stack.run("up")
    return stack


@pytest.fixture
def stack(rolling):
    """Return it, as it was at first; whatever a test set is taken back afterwards."""
    before = dict(rolling.environment)
    yield rolling
    rolling.environment = before
    rolling.run("up")
    rolling.run("switch", "blue")


def _releases(stack):
    return {
        pool: json.loads(_get(f"http://127.0.0.1:{stack.settings.port_of(pool)}/version"))[
            "release"
        ]
        for pool in ("blue", "green")
    }


def _get(url):
    import requests  # noqa: PLC0415

    return requests.get(url, timeout=15).text


def _desired(stack):
    return "green" if (stack.layout.desired / "green").exists() else "blue"


def _start(stack, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "teal", *arguments],
        cwd=ROOT,
        env={**stack.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _read_until(process, words):
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was not said:\n{said}")


def test_both_releases_change_and_no_request_fails(stack):
    """The idle pool first, then the other behind it; nobody is called, `desired` is what it was."""
    known = {message.id for message in stack.clients.inbox.messages()}
    stack.environment |= {"BLUE_RELEASE": "v3", "GREEN_RELEASE": "v4"}
    with loaded(stack) as load:
        stack.run("up")

    assert [] == load.failures
    assert {"blue": "v3", "green": "v4"} == _releases(stack)
    assert "blue" == _desired(stack)
    told = [m for m in stack.clients.inbox.messages() if m.id not in known]
    assert [] == [m.title for m in told if m.state != "info"]
    assert len(told) <= 1


@pytest.mark.long
def test_both_ports_change_and_no_request_fails(stack):
    """nginx knows each pool where it is at that moment."""
    blue, green = free_ports(2)
    stack.environment |= {"BLUE_PORT": str(blue), "GREEN_PORT": str(green)}
    with loaded(stack) as load:
        stack.run("up")

    assert [] == load.failures
    assert f'upstream_addr="127.0.0.1:{blue}"' in stack.log_lines()[-1]


@pytest.mark.long
@pytest.mark.parametrize("pool", ["green", "blue"])
def test_a_pool_that_does_not_come_up_is_put_back(stack, pool):
    """The demo refuses such a release: it ends as soon as it begins."""
    before = _releases(stack)
    stack.environment[f"{pool.upper()}_RELEASE"] = "-broken"
    with loaded(stack) as load:
        said = stack.run("up", code=1)

    assert [] == load.failures
    assert "cannot start: RELEASE must be" in said
    assert f"{pool.upper()}_RELEASE {before[pool]} -> -broken" in said
    assert before == _releases(stack)
    assert "blue" == _desired(stack)


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "moment"),
    [
        (signal.SIGKILL, "Renewing green"),
        (signal.SIGKILL, "from blue to green"),
        (signal.SIGKILL, "Renewing blue"),
        (signal.SIGINT, "Renewing blue"),
    ],
)
def test_cut_off_at_any_point_the_next_one_finishes(stack, how, moment):
    """The same command again goes on; meanwhile somebody serves, and `make status` says so."""
    stack.environment |= {"BLUE_RELEASE": "v5", "GREEN_RELEASE": "v5"}
    with loaded(stack) as load:
        command = _start(stack, "up")
        _read_until(command, moment)
        os.killpg(command.pid, how)
        command.wait(60)
        stack.run("up")

    assert [] == load.failures
    assert {"blue": "v5", "green": "v5"} == _releases(stack)
    assert "blue" == _desired(stack)


def test_a_port_taken_while_a_process_is_down_is_said_by_name(stack):
    """The supervisor knows the process, and someone else has its port."""
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    LocalRuntime(stack.settings).kill("green")
    port = stack.settings.green_port
    # Its workers notice a moment later that their master is gone.
    wait_for(lambda: not is_taken("127.0.0.1", port), what="the port to be free", seconds=30)
    with socket.create_server(("127.0.0.1", port)):
        said = stack.run("up", code=1)

    assert f"port {port} (green) is taken by another program; set GREEN_PORT in .env" in said


def test_a_new_port_that_is_taken_is_said_before_anything_is_touched(stack):
    """The part runs, and shall move to a port that is not free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack.environment["STATUS_PORT"] = str(port)
        said = stack.run("up", code=1)

    assert f"port {port} (gateway) is taken by another program; set STATUS_PORT in .env" in said


def test_a_switch_to_a_pool_that_only_says_it_is_well_is_refused(stack):
    """It answers its health check and fails everything else: it never gets a request."""
    stack.environment["HEALTH_PATH"] = "/chaos"
    chaos = f"http://127.0.0.1:{stack.settings.green_port}/chaos"
    import requests  # noqa: PLC0415

    requests.post(f"{chaos}/start", params={"mode": "error", "seconds": 300}, timeout=10)
    try:
        with loaded(stack) as load:
            said = stack.run("switch", "green", code=1)
    finally:
        requests.post(f"{chaos}/stop", timeout=10)

    assert "not switched: green answers / with 500; blue serves as before" in said
    assert [] == load.failures
    assert "blue" == _desired(stack)


@pytest.mark.long
def test_a_switch_that_is_interrupted_is_undone(stack):
    """Ctrl-C while the front door's proof is waited for."""
    chaos = f"http://127.0.0.1:{stack.settings.green_port}/chaos"
    import requests  # noqa: PLC0415

    # Answers come late: the proof takes its time.
    late = {"mode": "latency", "ms": 2000, "seconds": 300}
    requests.post(f"{chaos}/start", params=late, timeout=10)
    try:
        command = _start(stack, "switch", "green")
        _read_until(command, "Switching to green")
        from teal.wait import wait_for  # noqa: PLC0415

        wait_for(lambda: _desired(stack) == "green", what="the declaration", seconds=60)
        os.killpg(command.pid, signal.SIGINT)
        said = command.stdout.read()
        command.wait(60)
    finally:
        requests.post(f"{chaos}/stop", timeout=10)

    assert "Interrupted: not switched, blue serves as before." in said
    assert 0 != command.returncode
    assert "blue" == _desired(stack)
