"""The product's promise, tried on the real stack: faults cost no request and give one message."""

import re

import pytest

from teal.processes.runtime import LocalRuntime

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "mode",
    [
        "error",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("crash", "timeout", "disconnect")
        ),
    ],
)
def test_a_broken_pool_costs_no_request_and_gives_one_message(stack, mode):
    """0 failed requests, one message within 10 s, one resolved message, and the log agrees."""
    before = len(stack.log_lines())
    known = {message.id for message in stack.clients.inbox.messages()}

    said = stack.run("chaos", mode)

    assert said.rstrip().endswith("PASS")
    sent, failed = map(int, re.search(r"(\d+) sent, (\d+) failed", said).groups())
    assert failed == 0
    lines = stack.log_lines()[before:]
    assert len(lines) == sent
    assert all(re.search(r" status=200 ", line) for line in lines)
    assert any(re.search(r'upstream_status="\S+, 200"', line) for line in lines)
    new = [m for m in stack.clients.inbox.messages() if m.id not in known]
    assert ["firing", "resolved"] == [m.state for m in new]
    said = "Failover: blue stopped answering, green is serving"
    assert re.fullmatch(rf"🚨 {said} since \d\d:\d\d:\d\d", new[0].title)
    assert re.fullmatch(rf"✅ Resolved after \d+s: {said}", new[1].title)


@pytest.mark.long
def test_a_failover_right_after_one_in_the_other_direction(stack):
    """What is still repeated about the first one, as resolved, doubles no message of the second."""
    assert stack.run("chaos", "error").rstrip().endswith("PASS")
    stack.run("switch", "green")

    assert stack.run("chaos", "crash").rstrip().endswith("PASS")


@pytest.mark.long
def test_latency_is_no_failover(stack):
    """A slow pool keeps serving; nobody is called. What is told of a switch is not the drill's."""
    stack.run("switch", "green")

    said = stack.run("chaos", "latency")

    assert said.rstrip().endswith("PASS")
    assert stack.clients.exporter.pools().active == "green"


def test_a_drill_is_refused_while_something_is_wrong(stack):
    """A drill at a bad moment would hurt users, so it says what is wrong and does nothing."""
    stack.run("switch", "green")
    layout = stack.layout
    (layout.desired / "green").unlink()
    # blue is desired again; breaking it for real makes the stack unhealthy.
    LocalRuntime(stack.settings).kill("green")

    said = stack.run("chaos", "error", code=1)

    assert "no drill now: green not healthy" in said
