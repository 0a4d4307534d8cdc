"""Each part dies and comes back; nobody outside notices, and nothing false is told."""

import os
import signal

import pytest

from teal.clients.http import is_healthy
from teal.drills.traffic import Traffic
from teal.processes.nginx_processes import find
from teal.stack.components import parts
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def _pid(stack, part):
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    runtime = LocalRuntime(stack.settings)
    info = runtime._call("getProcessInfo", part)
    return info["pid"] if info["statename"] == "RUNNING" else 0


def _kill_and_wait(stack, part):
    """Kill a part as the kernel's OOM killer would; the supervisor brings it back."""
    # Never 0: to the kernel that is this test's own process group.
    old = wait_for(lambda: _pid(stack, part), what=f"{part} to run", seconds=30)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: _pid(stack, part) not in (0, old), what=f"{part} to be restarted", seconds=30)
    health = next((p.health for p in parts(stack.settings) if p.name == part), None)
    if health:
        wait_for(lambda: is_healthy(health), what=f"{part} to answer", seconds=30)


@pytest.mark.parametrize(
    "part",
    ["exporter", "prometheus", "alertmanager", "blackbox", "inbox", "rotate", "green", "gateway"],
)
def test_a_part_beside_the_path_of_a_request_is_killed(stack, part):
    """No request fails, and the pipeline works again: counters agree with the log."""
    known = {message.id for message in stack.clients.inbox.messages()}
    with Traffic(f"{stack.settings.front}/", rate=50, seconds=60) as traffic:
        _kill_and_wait(stack, part)
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    wait_for(
        lambda: (
            stack.metric('sum(nginxlog_exporter_lines_total{result="parsed"})')
            == len(stack.log_lines())
        ),
        what="the exporter to have counted every line once",
        seconds=30,
    )
    new = [m.title for m in stack.clients.inbox.messages() if m.id not in known]
    assert [] == new


def test_make_restart_costs_nobody_anything(stack):
    """Another process, every line once, and the next command finds it well."""
    with Traffic(f"{stack.settings.front}/", rate=50, seconds=60) as traffic:
        for part in ("exporter", "prometheus", "gateway"):
            old = wait_for(lambda part=part: _pid(stack, part), what=f"{part} to run", seconds=30)
            assert f"{part} is restarted, and well." in stack.run("restart", part)
            assert _pid(stack, part) not in (0, old)
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    wait_for(
        lambda: (
            stack.metric('sum(nginxlog_exporter_lines_total{result="parsed"})')
            == len(stack.log_lines())
        ),
        what="the exporter to have counted every line once",
        seconds=30,
    )


@pytest.mark.parametrize("part", ["nginx", "blue", "green"])
def test_what_serves_is_not_restarted(stack, part):
    """`make up` renews it without losing a request."""
    old = _pid(stack, part)

    assert f"{part} serves users; `make up` renews it" in stack.run("restart", part, code=1)
    assert old == _pid(stack, part)


def test_what_cannot_be_restarted_is_said(stack):
    """With what can."""
    said = stack.run("restart", "grafana", code=1)

    assert "'grafana' cannot be restarted; these can: gateway, exporter, blackbox" in said


def test_a_restarted_exporter_reports_no_false_burst(stack):
    """Counters go on where they were: a restart is no increase, and no error."""
    with Traffic(f"{stack.settings.front}/", rate=50, seconds=5) as traffic:
        traffic.wait()
    lines = len(stack.log_lines())
    _kill_and_wait(stack, "exporter")
    increase = "sum(increase(nginxlog_http_responses_total[30s]))"
    seen = []
    wait_for(
        lambda: seen.append(stack.metric(increase) or 0) or len(seen) > 20,
        what="twenty evaluations",
        seconds=30,
        poll=0.3,
    )

    assert lines == stack.metric("sum(nginxlog_http_responses_total)")
    assert max(seen) <= lines


def test_nginx_is_killed(stack):
    """Its parent or its master: no request fails, and the pipeline says nothing of it."""
    known = {message.id for message in stack.clients.inbox.messages()}
    with Traffic(f"{stack.settings.front}/", rate=50, seconds=60) as traffic:
        _kill_and_wait(stack, "nginx")
        master = next(p.pid for p in find(stack.layout.nginx) if p.is_master)
        os.kill(master, signal.SIGKILL)
        wait_for(
            lambda: (
                [p.parent for p in find(stack.layout.nginx) if p.serves].count(master) == 0
                and any(p.is_master for p in find(stack.layout.nginx))
            ),
            what="another nginx to serve, and the workers of the killed one to be gone",
            seconds=30,
        )
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    assert 200 == stack.get("/").status_code
    assert [] == [m.title for m in stack.clients.inbox.messages() if m.id not in known]


def test_the_desired_pool_survives_a_restart_of_nginx(stack):
    """What the operator declared is in a file, not in a process."""
    stack.run("switch", "green")
    _kill_and_wait(stack, "nginx")

    assert "green" == stack.get("/").headers["X-App-Pool"]
