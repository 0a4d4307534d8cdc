"""The inhibition matrix: every pair of alerts, asked of the real Alertmanager."""

import contextlib
from itertools import permutations
from pathlib import Path

import pytest
import requests
import yaml
from catalogue import ALERTS
from versions import VERSIONS
from world import World, alert

from teal.errors import WaitedTooLongError
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

TABLE = yaml.safe_load((Path(__file__).parent / "inhibition.yml").read_text())


@pytest.fixture(scope="module", params=VERSIONS)
def quiet(request):
    """Return an Alertmanager with the shipped inhibition, whose messages go nowhere."""
    world = World(request.param)
    shipped = yaml.safe_load(world.layout.alertmanager.read_text())
    kept = {
        "route": {"receiver": "nobody"},
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": shipped["inhibit_rules"],
    }
    world.layout.alertmanager.chmod(0o644)
    world.layout.alertmanager.write_text(yaml.safe_dump(kept))
    with world:
        yield world


def _named(name, **labels):
    severity, category = ALERTS[name]
    return alert(name, severity=severity, category=category, **labels)


def _inhibited(world, alerts, wanted):
    """Post alerts and return the stack and name of those that are inhibited.

    The inhibitor hears of alerts a moment after the API shows them, in the order in which they were
    posted: what is not `wanted` at once may become so.
    """
    world.post(*alerts)
    stacks = {each["labels"]["stack"] for each in alerts}
    inhibited = set()

    def is_settled():
        found = _active(world, stacks)
        inhibited.clear()
        inhibited.update(
            (each["labels"]["stack"], each["labels"]["alertname"])
            for each in found
            if each["status"]["inhibitedBy"]
        )
        return len(found) == len(alerts) and inhibited == wanted

    with contextlib.suppress(WaitedTooLongError):
        wait_for(is_settled, what="all alerts to be seen", seconds=30)
    return inhibited


def _active(world, stacks):
    everything = requests.get(f"{world.url}/api/v2/alerts", timeout=30).json()
    return [each for each in everything if each["labels"]["stack"] in stacks]


def test_every_pair_is_as_it_was_reviewed(quiet):
    """A stack for each pair: one alert is inhibited by the other where the table says so."""
    pairs = list(permutations(ALERTS, 2))
    alerts = [
        _named(name, stack=f"{source}-{target}", file="/var/log/access.log")
        for source, target in pairs
        for name in (source, target)
    ]
    wanted = {
        (f"{source}-{target}", target) for target, sources in TABLE.items() for source in sources
    }
    # The same two alerts the other way round.
    wanted |= {("-".join(reversed(stack.split("-"))), target) for stack, target in wanted}

    assert wanted == _inhibited(quiet, alerts, wanted)


def test_another_stack_or_another_file_inhibits_nothing(quiet):
    """What is wrong with one log says nothing of the other."""
    alerts = [
        _named("AllPoolsDown", stack="this"),
        _named("ErrorRatioHigh", stack="other"),
        _named("LogStalled", stack="files", file="b.log"),
        _named("ExporterLagging", stack="files", file="a.log"),
        # The last one: once it inhibits, the inhibitor knows all of them.
        _named("LogUnreadable", stack="files", file="a.log"),
    ]
    wanted = {("files", "ExporterLagging")}

    assert wanted == _inhibited(quiet, alerts, wanted)


def test_no_alert_inhibits_itself(quiet):
    """Two of a kind would keep each other quiet."""
    alerts = [
        _named(name, stack=f"twice-{name}", number=number) for name in ALERTS for number in "12"
    ]
    # Once these two are told apart, the inhibitor knows all of them.
    alerts += [_named("StandbyPoolDown", stack="last"), _named("AllPoolsDown", stack="last")]
    wanted = {("last", "StandbyPoolDown")}

    assert wanted == _inhibited(quiet, alerts, wanted)
