"""Slack slow, hanging, refusing: nothing is lost, nothing is doubled, and the failure is visible.

For a minute and for ten, twenty times compressed, all kinds of trouble side by side. What cannot be
compressed are the 10 s that Alertmanager gives a delivery.
"""

import threading

import pytest
from catalogue import ALERTS
from versions import VERSIONS, fetched
from world import World, alert, ended

from inbox.trouble import KINDS
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(180)

FASTER = 20
MINUTE, TEN_MINUTES = 60 / FASTER, 600 / FASTER
# A delivery that has just failed for the last time, and the next one.
RECOVERY_SECONDS = 30
# The first is in time all the same.
NO_TROUBLE = ("slow",)


def _named(name, **labels):
    severity, category = ALERTS[name]
    return alert(name, stack="s", severity=severity, category=category, **labels)


class Played:
    """One bad day, as far as Alertmanager and Slack are concerned."""

    def __init__(self, version, kind):
        self.notes = {}
        self._kind = kind
        with World(version, faster=FASTER) as self._world:
            self._for_a_minute()
            self._for_ten()

    def _for_a_minute(self):
        world = self._world
        self.failover = _named("PoolFailover", **{"from": "blue", "to": "green"})
        self.errors = _named("ErrorRatioHigh")
        world.inbox.trouble(self._kind)
        world.post(self.failover, self.errors)
        self._wait(max(MINUTE, 11 if self._kind == "hang" else 0))
        self._note("after a minute")
        world.inbox.calm()
        self._settle(2)
        self._note("when it was over")

    def _for_ten(self):
        world = self._world
        world.inbox.trouble(self._kind)
        world.post(ended(self.failover), ended(self.errors), _named("StandbyPoolDown"))
        # Told, resolved and told again are three things; this one begins and ends meanwhile.
        short = _named("LogUnreadable", file="a")
        world.post(short)
        self._wait(TEN_MINUTES / 2)
        world.post(ended(short))
        self._wait(TEN_MINUTES / 2)
        self._note("after ten")
        world.inbox.calm()
        self._settle(5)
        # Whatever else was waiting would be told before this and its end.
        last = _named("FrontDoorDown")
        world.post(last)
        wait_for(lambda: "firing FrontDoorDown" in world.told("s"), what="the last", seconds=20)
        world.post(ended(last))
        wait_for(lambda: "resolved FrontDoorDown" in world.told("s"), what="its end", seconds=20)
        self._note("in the end")

    def _wait(self, seconds):
        threading.Event().wait(seconds)

    def _settle(self, count):
        try:
            wait_for(
                lambda: len(self._world.told("s")) >= count,
                what="what was held back",
                seconds=RECOVERY_SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - the comparison will tell
            self.notes["late"] = str(error)

    def _note(self, when):
        failed = self._world.metric(
            "alertmanager_notification_requests_failed_total", integration="slack"
        )
        self.notes[when] = sorted(self._world.told("s")), failed


@pytest.fixture(scope="module")
def played():
    """Play every kind of trouble on every version, side by side; return what was noted."""
    notes = {}

    def play(version, kind):
        notes[version, kind] = Played(version, kind).notes

    threads = [
        threading.Thread(target=play, args=(version, kind), daemon=True)
        for version in VERSIONS
        if fetched(version)
        for kind in KINDS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=150)
    return notes


FIRST = ["firing ErrorRatioHigh", "firing PoolFailover"]
SECOND = ["firing StandbyPoolDown", "resolved ErrorRatioHigh", "resolved PoolFailover"]
GROUPS = 5
LAST = ["firing FrontDoorDown", "resolved FrontDoorDown"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_lost_or_doubled(played, version, kind):
    """Each message once, as soon as Slack takes it again; after a minute as after ten."""
    fetched(version, or_skip=True)
    notes = played[version, kind]
    if kind == "slow":
        # It was told in both minutes, late; and so was what began and ended meanwhile.
        short = ["firing LogUnreadable", "resolved LogUnreadable"]
        assert sorted(FIRST + SECOND + LAST + short) == notes["in the end"][0]
        return

    assert [] == notes["after a minute"][0]
    assert FIRST == notes["when it was over"][0]
    assert FIRST == notes["after ten"][0]
    # What began and ended while nobody could be told is not told: NotificationsFailing is.
    assert sorted(FIRST + SECOND + LAST) == notes["in the end"][0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_failure_is_counted(played, version, kind):
    """NotificationsFailing goes by this counter: it rises in the trouble, and not after it."""
    fetched(version, or_skip=True)
    failed = {when: note[1] for when, note in played[version, kind].items() if when != "late"}
    if kind == "slow":
        assert {0} == set(failed.values())
        return

    assert 0 < failed["after a minute"]
    assert failed["when it was over"] < failed["after ten"]
    # A delivery of each group may have been on its way.
    assert failed["in the end"] <= failed["after ten"] + GROUPS
