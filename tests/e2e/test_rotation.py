"""The log rotates by itself under load; no line is lost, none is counted twice."""

import pytest

from teal.drills.traffic import Traffic
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_rotation_under_load_loses_no_line(make_stack):
    """Every request is in exactly one log file, and the exporter counted each once."""
    stack = make_stack(LOG_ROTATE_MB="1", LOG_ROTATE_KEEP="9")
    stack.run("up")
    # About 1.5 kB a line, so that 1 MB is soon full.
    url = f"{stack.settings.front}/?{'x' * 1000}"
    with Traffic(url, rate=150, seconds=90) as traffic:
        wait_for(
            lambda: len(list(stack.layout.log.glob("access.log.*"))) >= 2,
            what="two rotations",
            seconds=80,
        )
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    # nginx writes a line when the client has its answer already.
    wait_for(
        lambda: result.sent == len([line for line in stack.log_lines() if "xxxx" in line]),
        what=f"{result.sent} lines in the log",
        seconds=5,
    )
    total = 'sum(nginxlog_exporter_lines_total{result="parsed"})'
    wait_for(
        lambda: stack.metric(total) == len(stack.log_lines()),
        what="the exporter to count every line",
        seconds=15,
    )
    assert 0 == (stack.metric("sum(nginxlog_exporter_gaps_total)") or 0)
    assert (stack.metric("sum(nginxlog_exporter_rotations_total)") or 0) >= 2
