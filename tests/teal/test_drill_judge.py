"""Judging a drill: each promise, kept and broken."""

import dataclasses
from collections import Counter

import pytest

from teal.clients.inbox import Message
from teal.drills.judge import Seen, judge
from teal.drills.scenarios import MODES, SCENARIOS, Scenario
from teal.drills.timeline import Event

FAULT, ENDED = 1000.0, 1020.0
EVENTS = {
    Event.FAULT: FAULT,
    Event.MOVED: FAULT + 0.4,
    Event.ENDED: ENDED,
    Event.BACK: ENDED + 4,
}
SCENARIO = Scenario(name="x", what="x", fault=lambda faults: faults.killed("blue"), tells=("Down",))
NO_REQUEST_FAILS = "no client request fails"
EXACTLY = "Down: 1 firing, 1 resolved, no more"


def message(alert: str, state: str, at: float) -> Message:
    """Return a message of an alert as the inbox has it."""
    return Message(id=int(at * 10), received=at, state=state, title=alert, footer=f"teal · {alert}")


FIRING = message("Down", "firing", FAULT + 2)
RESOLVED = message("Down", "resolved", ENDED + 5)
GOOD = Seen(began=FAULT, ended=ENDED, sent=100, messages=[FIRING, RESOLVED])


def broken(scenario: Scenario = SCENARIO, **seen: object) -> list[str]:
    """Return which promises are broken by what was seen."""
    verdicts = judge(scenario, dataclasses.replace(GOOD, **seen))
    return [verdict.promise for verdict in verdicts if not verdict.kept]


def test_everything_kept():
    """One message when it fires, one when it is over, no failed request."""
    assert [] == broken()


@pytest.mark.parametrize(
    ("messages", "promises"),
    [
        ([], ["Down arrives within 10 s of the fault", EXACTLY]),
        ([FIRING], [EXACTLY]),
        ([FIRING, RESOLVED, FIRING], [EXACTLY]),
        ([FIRING, RESOLVED, RESOLVED], [EXACTLY]),
        ([FIRING, RESOLVED, message("Other", "firing", FAULT + 3)], ["no other message"]),
        (
            [message("Down", "firing", FAULT + 10.1), RESOLVED],
            ["Down arrives within 10 s of the fault"],
        ),
        ([message("Down", "firing", FAULT + 10.0), RESOLVED], []),
    ],
)
def test_missing_doubled_foreign_and_late_messages_are_named(messages, promises):
    """Neither fewer nor more, and in time."""
    assert promises == broken(messages=messages)


def test_one_failed_request_is_too_many_unless_no_retry_could_help():
    """Where both pools are gone, errors are what the drill is about."""
    seen = {"reasons": Counter({"status 502": 1})}
    outage = dataclasses.replace(SCENARIO, costs_requests=True)

    assert [NO_REQUEST_FAILS] == broken(**seen)
    assert [] == broken(outage, **seen)


def test_no_traffic_proves_nothing():
    """Unless no traffic is the fault."""
    assert [NO_REQUEST_FAILS] == broken(sent=0)
    assert [] == broken(dataclasses.replace(SCENARIO, silences=True), sent=0)


def test_traffic_that_does_not_come_back():
    """A failover that never ends is half a success."""
    failover = dataclasses.replace(MODES["error"], tells=("Down",))
    stays = {event: at for event, at in EVENTS.items() if event != Event.BACK}

    assert [] == broken(failover, events=EVENTS)
    assert ["traffic moves, and comes back"] == broken(failover, events=stays)


def test_a_slow_pool_promises_silence():
    """It is no failover: any message is one too many."""
    assert [] == broken(MODES["latency"], messages=[])
    assert ["no message"] == broken(MODES["latency"])


def test_real_slack_is_not_judged():
    """What cannot be seen is neither kept nor broken."""
    verdicts = judge(MODES["error"], dataclasses.replace(GOOD, messages=None, events=EVENTS))

    assert [NO_REQUEST_FAILS, "traffic moves, and comes back"] == [v.promise for v in verdicts]


def test_information_is_told_once_each_way():
    """A switch there and a switch back are told, and not resolved."""
    switch = dataclasses.replace(SCENARIO, tells=(), informs=("Moved",), informs_back=("Moved",))
    there, back = message("Moved", "info", FAULT + 2), message("Moved", "info", ENDED + 2)

    assert [] == broken(switch, messages=[there, back])
    assert ["Moved: 2 info, no more"] == broken(switch, messages=[there])


def test_the_names_of_the_drills_are_different():
    """`make drills ONLY='pool killed'` means one."""
    names = [scenario.name for scenario in SCENARIOS]

    assert len(set(names)) == len(names)
