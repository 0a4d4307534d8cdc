"""Alertmanager and Prometheus come and go: nothing is told again, and nothing is forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from versions import VERSIONS
from world import World, alert, ended

from teal.stack import silences
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

FAILOVER = {"from": "blue", "to": "green"}
FASTER = 10


@pytest.fixture(params=VERSIONS)
def world(request):
    """Return a running Alertmanager with compressed timers."""
    with World(request.param, faster=FASTER) as running:
        yield running


def _marked(world, number):
    """Wait until one more fault, and its end, were told: all that was due before has been."""
    mark = alert("FrontDoorDown", stack=f"mark{number}", category="outage")
    world.post(mark)
    world.wait_until_told(mark["labels"]["stack"], "firing FrontDoorDown", seconds=20)
    world.post(ended(mark))
    world.wait_until_told(
        mark["labels"]["stack"], "firing FrontDoorDown", "resolved FrontDoorDown", seconds=20
    )


def _saved(world, name, after):
    """Wait until Alertmanager has written what it knows, as it does every few seconds."""
    file = world.layout.directory / "alertmanager" / name
    wait_for(
        lambda: file.exists() and file.stat().st_mtime > after.timestamp(),
        what=f"{name} to be written",
        seconds=20,
    )


@pytest.mark.parametrize("hard", [False, True], ids=["stopped", "killed"])
def test_a_restarted_alertmanager_repeats_nothing(world, hard):
    """Also after kill -9: what was told before is told as resolved, and not as new."""
    failover = alert("PoolFailover", stack="s", **FAILOVER)
    world.post(failover)
    world.wait_until_told("s", "firing PoolFailover", seconds=10)
    _saved(world, "nflog", datetime.now(UTC))

    world.stop(hard=hard)
    world.start()
    world.post(failover)
    _marked(world, 1)
    assert ["firing PoolFailover"] == world.told("s")

    world.post(ended(failover))
    world.wait_until_told("s", "firing PoolFailover", "resolved PoolFailover", seconds=10)


def test_a_killed_alertmanager_remembers_maintenance(world):
    """What is silenced stays silent."""
    until = datetime.now(UTC) + timedelta(hours=1)
    world.client.silence(silences.maintenance("s"), until=until, why="disk")
    _saved(world, "silences", datetime.now(UTC))

    world.stop(hard=True)
    world.start()
    world.post(alert("PoolFailover", stack="s", **FAILOVER))
    _marked(world, 1)

    assert [] == world.told("s")
    assert ["disk"] == [silence.why for silence in world.client.silences()]


def test_a_restarted_prometheus_repeats_nothing(world):
    """It hands over the same alert with a later beginning, before the time it gave it is over."""
    failover = alert("PoolFailover", stack="s", **FAILOVER)
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    world.post({**failover, "endsAt": soon})
    world.wait_until_told("s", "firing PoolFailover", seconds=10)

    world.post(alert("PoolFailover", stack="s", **FAILOVER))
    wait_for(lambda: datetime.now(UTC).isoformat() > soon, what="the old end", seconds=10)
    _marked(world, 1)

    assert ["firing PoolFailover"] == world.told("s")


@pytest.mark.parametrize("world", ["0.33"], indirect=True)
def test_a_late_inhibitor_is_waited_for_after_a_restart(world):
    """Alerts that are old when Alertmanager starts would be told at once, whatever explains them.

    0.25 has no start delay, so there it is so: for the 15 s in which Prometheus repeats everything.
    """
    old = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    failover = {**alert("PoolFailover", stack="s", **FAILOVER), "startsAt": old}
    standby = {**alert("StandbyPoolDown", stack="s", severity="warning"), "startsAt": old}
    world.post(failover)
    world.wait_until_told("s", "firing PoolFailover", seconds=10)
    _saved(world, "nflog", datetime.now(UTC))

    world.stop()
    world.start(delay=True)
    world.post(standby)
    _seen(world, 1)
    world.post(failover)
    _marked(world, 1)

    assert ["firing PoolFailover"] == world.told("s")


def test_an_alertmanager_that_was_reloaded_repeats_nothing(world):
    """`make reload` is harmless."""
    world.post(alert("PoolFailover", stack="s", **FAILOVER))
    world.wait_until_told("s", "firing PoolFailover", seconds=10)

    requests.post(f"{world.url}/-/reload", timeout=5).raise_for_status()
    _marked(world, 1)

    assert ["firing PoolFailover"] == world.told("s")


def _seen(world, count):
    url = f"{world.url}/api/v2/alerts"
    wait_for(
        lambda: len(requests.get(url, timeout=5).json()) == count, what="the alert", seconds=10
    )
