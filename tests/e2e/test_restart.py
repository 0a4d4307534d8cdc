"""Each part dies and comes back; nobody outside notices, and nothing false is told."""

import os
import signal
import time

import pytest

from teal import api
from teal.drill.traffic import Traffic
from teal.parts import parts
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def _pid(stack, part):
    from teal.local import LocalRuntime  # noqa: PLC0415

    runtime = LocalRuntime(stack.settings)
    info = runtime._call("getProcessInfo", part)
    return info["pid"] if info["statename"] == "RUNNING" else 0


def _age(pid):
    """Return for how many seconds a process has run; 0 when it does not."""
    try:
        return time.time() - os.stat(f"/proc/{pid}").st_ctime  # noqa: PTH116
    except FileNotFoundError:
        return 0


def _kill_and_wait(stack, part):
    """Kill a part as the kernel's OOM killer would; the supervisor brings it back."""
    # Never 0: to the kernel that is this test's own process group.
    old = wait_for(lambda: _pid(stack, part), what=f"{part} to run", seconds=30)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: _pid(stack, part) not in (0, old), what=f"{part} to be restarted", seconds=30)
    health = next((p.health for p in parts(stack.settings) if p.name == part), None)
    if health:
        wait_for(lambda: api.is_healthy(health), what=f"{part} to answer", seconds=30)


@pytest.mark.parametrize(
    "part",
    ["exporter", "prometheus", "alertmanager", "blackbox", "inbox", "rotate", "green", "gateway"],
)
def test_a_part_beside_the_path_of_a_request_is_killed(stack, part):
    """No request fails, and the pipeline works again: counters agree with the log."""
    known = {message.id for message in api.messages(stack.settings)}
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
    new = [m.title for m in api.messages(stack.settings) if m.id not in known]
    assert [] == new


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
    """The front door is back within seconds, and an outage that short calls nobody."""
    known = {message.id for message in api.messages(stack.settings)}
    _kill_and_wait(stack, "nginx")
    # The new master is the one that serves: it holds its port for longer than nginx tries to get it
    # (5 times 0.5 s), and the workers of the old one are gone.
    master = _pid(stack, "nginx")
    wait_for(lambda: _age(master) > 4, what="the new nginx to stay", seconds=10)

    assert master == _pid(stack, "nginx")
    assert 200 == stack.get("/").status_code
    assert [] == [m.title for m in api.messages(stack.settings) if m.id not in known]


def test_the_desired_pool_survives_a_restart_of_nginx(stack):
    """What the operator declared is in a file, not in a process."""
    stack.run("switch", "green")
    _kill_and_wait(stack, "nginx")

    assert "green" == stack.get("/").headers["X-App-Pool"]
