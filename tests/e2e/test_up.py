"""Starting, stopping and looking: the commands' own promises."""

import json
import socket

import pytest
import requests

from teal.stack.components import parts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_up_says_what_runs_where(running):
    """The table names every part with a link that answers."""
    said = running.run("up")

    for part in parts(running.settings):
        if part.name != "grafana":
            assert part.link in said
            assert requests.get(part.link, timeout=5).ok, part.link


def test_up_twice_is_harmless(stack):
    """A second `up` restarts nothing and loses nothing."""
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    def pids():
        return {
            p["name"]: p["pid"] for p in LocalRuntime(stack.settings)._call("getAllProcessInfo")
        }

    before = pids()
    stack.run("up")

    assert before == pids()


def test_status_for_programs(stack):
    """JSON with everything a program wants to know, and exit code 0 when all is well."""
    stack.get("/")
    state = json.loads(stack.run("status", "--json"))

    assert state["ok"] is True
    assert "blue" == state["desired_pool"]
    assert {"blue": "v1", "green": "v2"} == state["releases"]
    assert {"healthy"} == set(state["parts"].values())
    assert [] == [a for a in state["alerts"] if a["needs_attention"]]


def test_status_says_that_a_pool_is_down(stack):
    """Something broken is named, and the exit code says so."""
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    LocalRuntime(stack.settings).kill("green")
    said = stack.run("status", code=1)

    assert "green" in said
    assert "unhealthy" in said
    assert "Something needs attention" in said


def test_logs_show_requests_in_words(stack):
    """A request is one readable line: what, which answer, from which pool."""
    stack.get("/version")
    said = stack.run("logs", "--no-follow")

    assert "GET /version 200 in" in said
    assert "<- blue 200" in said


def test_logs_of_one_part(stack):
    """What a part itself prints, and a clear word when there is no such part."""
    assert "nginx/1." in stack.run("logs", "--part", "nginx", "--no-follow", "--lines", "200")
    assert "'ngnix' is no part of the stack" in stack.run("logs", "--part", "ngnix", code=1)


def test_query_prints_what_prometheus_answers(stack):
    """PromQL in the terminal, and Prometheus' own words when it is wrong."""
    assert "vector" not in stack.run("query", "vector(0.5)")
    assert "0.5" in stack.run("query", "vector(0.5)")
    assert "parse error" in stack.run("query", "sum(", code=1)


def test_a_taken_port_is_one_clear_line(make_stack):
    """Before anything is started, the port and its setting are named."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = make_stack(INBOX_PORT=str(port))
        said = stack.run("up", code=1)

    assert f"port {port} (inbox) is taken by another program; set INBOX_PORT in .env" in said
    assert "Traceback" not in said


def test_nothing_but_the_front_door_listens_beyond_loopback(make_stack):
    """With the front door open to all, every other listener is on 127.0.0.1, or .2 behind it."""
    stack = make_stack(HTTP_ADDR="0.0.0.0")  # noqa: S104 - the point of it
    stack.run("up")
    ours = {part.port for part in parts(stack.settings)}
    listening = {}
    for line in open("/proc/net/tcp").read().splitlines()[1:]:  # noqa: PTH123, SIM115
        _, local, _, state, *_ = line.split()
        address, port = local.split(":")
        if state == "0A" and int(port, 16) in ours:
            listening[int(port, 16)] = address
    everyone = {port for port, address in listening.items() if address == "00000000"}

    assert {stack.settings.http_port} == everyone
    assert {"0100007F", "0200007F", "00000000"} == set(listening.values())
    stack.run("down")


def test_down_and_up_again_keeps_everything(make_stack):
    """Counters, messages and the desired pool are there after a night's rest."""
    stack = make_stack()
    stack.run("up")
    stack.run("load", "--seconds", "2", "--rate", "20")
    stack.run("switch", "green")
    lines = len(stack.log_lines())
    stack.run("down")
    assert "Nothing runs" in stack.run("status", code=1)
    stack.run("up")

    assert "green" == stack.get("/").headers["X-App-Pool"]
    state = json.loads(stack.run("status", "--json", code=None))
    assert "green" == state["desired_pool"]
    counted = requests.get(f"{stack.settings.url('exporter')}/metrics", timeout=5).text
    assert f'result="parsed"}} {lines + 1}.0' in counted


def test_clean_goes_back_to_nothing(make_stack):
    """Nothing runs and no file is left."""
    stack = make_stack()
    stack.run("up")
    stack.run("clean", "--keep-programs")

    assert ["no.env"] == [path.name for path in stack.directory.iterdir()]
