"""When an Alertmanager that has just started tells something, by its own metrics."""

import pytest
from prometheus_client.samples import Sample
from versions import VERSIONS
from world import World

from teal.clients.alertmanager import START_DELAY_SECONDS, Alertmanager


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_that_has_a_delay_says_how_long(version):
    """Debian 12's has none; the containers' tells nothing for a while."""
    with World(version) as world:
        seconds = world.client.speaks_in()

    if version == "0.25":
        assert 0 == seconds
    else:
        assert START_DELAY_SECONDS - 5 < seconds <= START_DELAY_SECONDS + 1


@pytest.mark.parametrize(("ago", "speaks"), [(15.5, False), (16.1, True), (0, False)])
def test_it_speaks_a_second_after_the_delay(monkeypatch, ago, speaks):
    """What was due meanwhile is told at the next turn."""
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    samples = [
        _sample("alertmanager_build_info", 1, version="0.33.1"),
        _sample("process_start_time_seconds", now - ago),
    ]
    monkeypatch.setattr(Alertmanager, "samples", lambda _: iter(samples))

    assert speaks == (Alertmanager("").speaks_in() == 0)


def _sample(name, value, **labels):
    return Sample(name, labels, value)
