"""Judging a drill of `make drills`: exactly the promised messages, in time, and nothing else."""

import dataclasses

import pytest

from teal.api import Message
from teal.drills.run import Outcome, judge
from teal.drills.scenarios import SCENARIOS, Scenario

FAULT = 1000.0
MENDED = 1020.0
SCENARIO = Scenario(name="x", what="x", fault=lambda lab: lab.killed("blue"), tells=("Down",))


def message(alert: str, state: str, at: float) -> Message:
    """Return a message of an alert as the inbox has it."""
    return Message(id=int(at * 10), received=at, state=state, title=alert, footer=f"teal · {alert}")


def broken(*messages: Message, scenario: Scenario = SCENARIO, failed: int = 0) -> list[str]:
    """Return what of the scenario's promises these messages break."""
    outcome = Outcome(scenario=scenario, sent=100, failed=failed)
    judge(outcome, list(messages), FAULT, MENDED)
    return outcome.broken


GOOD = (message("Down", "firing", FAULT + 2), message("Down", "resolved", MENDED + 5))


def test_the_promised_messages_are_fine():
    """One when it fires, one when it is over."""
    assert broken(*GOOD) == []


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ((), "Down firing: 0 messages instead of 1"),
        (GOOD[:1], "Down resolved: 0 messages instead of 1"),
        ((*GOOD, GOOD[0]), "Down firing: 2 messages instead of 1"),
        ((*GOOD, message("Other", "firing", FAULT + 3)), "Other firing: 1 messages instead of 0"),
        ((message("Down", "firing", FAULT + 11), GOOD[1]), "Down was told after 11.0 s"),
    ],
)
def test_anything_else_is_not(messages, said):
    """Missing, doubled, foreign and late messages are named."""
    assert said in broken(*messages)


def test_a_failed_request_breaks_a_promise_unless_no_retry_could_help():
    """Where both pools are gone, errors are what the drill is about."""
    outage = dataclasses.replace(SCENARIO, costs_requests=True)

    assert broken(*GOOD, failed=1) == ["1 of 100 requests failed"]
    assert broken(*GOOD, failed=1, scenario=outage) == []


def test_information_is_told_once_each_way():
    """A switch there and a switch back are told, and not resolved."""
    switch = dataclasses.replace(SCENARIO, tells=(), informs=("Moved",), informs_back=("Moved",))
    there, back = message("Moved", "info", FAULT + 2), message("Moved", "info", MENDED + 2)

    assert broken(there, back, scenario=switch) == []
    assert broken(there, scenario=switch) == ["Moved info: 1 messages instead of 2"]


def test_the_names_of_the_drills_are_different():
    """`make drills ONLY='pool killed'` means one."""
    names = [scenario.name for scenario in SCENARIOS]

    assert len(set(names)) == len(names)
