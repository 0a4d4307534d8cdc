"""`make maintenance` on the real Alertmanager; Prometheus is played."""

import argparse
import time
from datetime import timedelta

import pytest
import requests
from versions import VERSIONS
from world import World, alert, ended

from teal.clients.alertmanager import Alertmanager
from teal.clients.prometheus import Alert, Prometheus
from teal.commands import maintenance
from teal.errors import RuntimeFailedError
from teal.settings import load
from teal.stack import silences
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

FAILOVER = {"from": "blue", "to": "green"}
STACK = "teal"


@pytest.fixture(params=VERSIONS)
def world(request):
    """Return a running Alertmanager with compressed timers."""
    with World(request.param, faster=10) as running:
        yield running


@pytest.fixture
def prometheus(monkeypatch):
    """Return what Prometheus would answer: the alerts of now, and those of the time before."""
    played = {"now": [], "before": []}
    monkeypatch.setattr(Prometheus, "alerts", lambda _: played["now"])
    monkeypatch.setattr(Prometheus, "query", lambda *_: played["before"])
    return played


def _run(world, *words):
    parser = argparse.ArgumentParser()
    maintenance.add_arguments(parser)
    return maintenance.run(world.settings, parser.parse_args(words))


def _firing(name, **labels):
    labels = {"alertname": name, **labels}
    return Alert(name=name, state="firing", labels=labels, summary="", active_at="")


def test_it_is_silent_and_ends(world, prometheus, capsys):
    """Who, why and until when can be asked for; a second one changes the first."""
    assert 0 == _run(world, "--for", "30m", "--why", "new rack")
    assert 0 == _run(world, "--for", "2h", "--why", "newer rack")
    (silence,) = world.client.silences()
    assert silences.is_maintenance(silence, STACK)
    assert "newer rack" == silence.why
    assert timedelta(hours=1.9) < silence.until - silence.since <= timedelta(hours=2.1)
    world.post(alert("PoolFailover", stack=STACK, **FAILOVER))
    world.post(alert("ExporterDown", stack=STACK, category="telemetry"))
    world.wait_until_told(STACK, "firing ExporterDown", seconds=10)

    assert 0 == _run(world, "--end")

    assert [] == world.client.silences()
    world.wait_until_told(STACK, "firing ExporterDown", "firing PoolFailover", seconds=10)
    assert 0 == _run(world, "--end")
    said = capsys.readouterr().out
    assert "Maintenance is on until" in said
    assert "Maintenance goes on until" in said
    assert said.endswith("No maintenance is on.\n")


def test_what_was_told_and_ended_meanwhile_is_told_when_it_comes_back(world, prometheus, capsys):
    """Alertmanager alone would take it for told, and keep quiet for hours."""
    failover = alert("PoolFailover", stack=STACK, **FAILOVER)
    world.post(failover)
    world.wait_until_told(STACK, "firing PoolFailover", seconds=10)
    prometheus["now"] = [_firing("PoolFailover", category="pool")]
    _run(world, "--for", "30m", "--why", "repair")
    assert "Told already and firing: PoolFailover." in capsys.readouterr().out
    world.post(ended(failover))
    _wait_until_gone(world)

    prometheus["now"] = []
    metric = {"__name__": "ALERTS_FOR_STATE", **failover["labels"]}
    del metric["stack"]
    prometheus["before"] = [{"metric": metric, "value": [0, str(time.time() - 60)]}]
    _run(world, "--end")
    told = ["firing PoolFailover", "resolved PoolFailover"]
    world.wait_until_told(STACK, *told, seconds=10)

    world.post(alert("PoolFailover", stack=STACK, **FAILOVER))
    world.wait_until_told(STACK, *told, "firing PoolFailover", seconds=10)


def test_what_was_not_told_is_not_told_as_resolved(world, prometheus):
    """What began and ended in the maintenance is nobody's business."""
    _run(world, "--for", "30m", "--why", "repair")
    metric = dict(alert("PoolFailover", stack=STACK, **FAILOVER)["labels"])
    prometheus["before"] = [{"metric": metric, "value": [0, str(time.time() - 60)]}]
    _run(world, "--end")

    world.post(alert("FrontDoorDown", stack=STACK, category="outage"))
    world.wait_until_told(STACK, "firing FrontDoorDown", seconds=10)


def _wait_until_gone(world):
    url = f"{world.url}/api/v2/alerts"
    wait_for(lambda: requests.get(url, timeout=5).json() == [], what="the end", seconds=10)
    # And a tick of its group, at which it is dropped.
    mark = alert("TargetDown", stack="mark", category="meta")
    world.post(mark)
    world.wait_until_told("mark", "firing TargetDown", seconds=10)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--why", "x"), "FOR=30m is missing"),
        (("--for", "30m"), "WHY='new disk' is missing"),
        (("--for", "8d", "--why", "x"), "at most"),
    ],
)
def test_what_is_missing_is_said(monkeypatch, words, reason):
    """With an example."""
    monkeypatch.setattr(Alertmanager, "silences", lambda _: [])
    parser = argparse.ArgumentParser()
    maintenance.add_arguments(parser)

    with pytest.raises(RuntimeFailedError, match=reason):
        maintenance.run(load({}), parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--for", "30"), "'30' is no duration such as 30m, 2h or 1d"),
        (("--for", "0m"), "'0m' is no duration"),
        (("--for", "-5m"), "expected one argument"),
        (("--why", " "), "a reason must say something"),
    ],
)
def test_what_is_wrong_is_said(words, reason, capsys):
    """By name, with what would be right."""
    parser = argparse.ArgumentParser()
    maintenance.add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(words)
    assert reason in capsys.readouterr().err
