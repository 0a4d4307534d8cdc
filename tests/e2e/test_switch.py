"""A planned switch: instant, loses nothing, and is no failover."""

import threading

import pytest

from teal.drills.traffic import Traffic
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_switching_back_and_forth_under_load_loses_nothing(stack):
    """Four switches in a stream of requests: none fails, and no failover is told."""
    known = {message.id for message in stack.clients.inbox.messages()}
    traffic = Traffic(f"{stack.settings.front}/", rate=50, seconds=60)
    with traffic:
        for pool in ("green", "blue", "green", "blue"):
            said = stack.run("switch", pool)
            assert f"{pool} answers" in said
            wait_for(
                lambda pool=pool: stack.clients.exporter.pools().active == pool,
                what=f"the exporter to see {pool}",
                seconds=10,
            )
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    assert {"blue", "green"} == set(result.answered_by)
    titles = [m.title for m in stack.clients.inbox.messages() if m.id not in known]
    assert [t for t in titles if "Failover" in t] == []


def test_a_switch_is_told_once_as_information(stack):
    """Slack hears of a planned switch, without alarm and without a resolved message."""
    known = {message.id for message in stack.clients.inbox.messages()}
    with Traffic(f"{stack.settings.front}/", rate=20, seconds=60):
        stack.run("switch", "green")
        wait_for(
            lambda: [m for m in stack.clients.inbox.messages() if m.id not in known],
            what="the message about the switch",
            seconds=20,
        )
    new = [m for m in stack.clients.inbox.messages() if m.id not in known]

    assert ["info"] == [m.state for m in new]
    assert "Switched as planned: green is serving instead of blue" in new[0].title


def test_a_switch_to_a_dead_pool_is_refused(stack):
    """Declaring a pool that does not answer would be an outage in waiting."""
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    LocalRuntime(stack.settings).kill("green")

    said = stack.run("switch", "green", code=1)

    assert "not switched: green does not answer" in said
    assert "blue" == stack.get("/").headers["X-App-Pool"]


def test_requests_in_flight_finish_where_they_are(stack):
    """A slow request that began before the switch is answered by the pool it began on."""
    answers = []
    slow = threading.Thread(
        target=lambda: answers.append(stack.get("/slow?seconds=3").headers["X-App-Pool"])
    )
    slow.start()
    wait_for(
        lambda: int(_connections(stack)) >= 2,
        what="the slow request to reach the pool",
        seconds=5,
    )
    stack.run("switch", "green")
    slow.join(timeout=10)

    assert ["blue"] == answers


def _connections(stack):
    import requests  # noqa: PLC0415

    url = f"http://127.0.0.1:{stack.settings.status_port}/stub_status"
    return requests.get(url, timeout=5).text.split()[2]
