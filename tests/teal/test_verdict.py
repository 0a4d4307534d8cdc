"""The drill's judge: each promise, kept and broken."""

from collections import Counter

import pytest

from teal.api import Message
from teal.drills.modes import MODES
from teal.drills.traffic import Result
from teal.drills.verdict import judge

EVENTS = {
    "fault": 100.0,
    "pool change seen by the exporter": 100.4,
    "message in Slack": 103.0,
    "fault taken back": 110.0,
    "traffic is back": 114.0,
    "resolved message in Slack": 120.0,
}


def _message(state, alert="PoolFailover"):
    return Message(1, 0.0, state, "title", f"teal · {alert}")


TOLD = [_message("firing"), _message("resolved")]


def _broken(mode="error", *, traffic=None, events=EVENTS, messages=TOLD):
    traffic = traffic or Result(sent=100)
    return [v.promise for v in judge(MODES[mode], traffic, events, messages) if not v.kept]


def test_everything_kept():
    """The good case has no broken promise."""
    assert [] == _broken()


def test_one_failed_request_is_too_many():
    """0 is the promise."""
    traffic = Result(sent=100, failed=1, reasons=Counter({"status 502": 1}))

    assert ["no client request fails"] == _broken(traffic=traffic)


def test_no_traffic_proves_nothing():
    """A drill that sent nothing has not passed."""
    assert ["no client request fails"] == _broken(traffic=Result())


@pytest.mark.parametrize(
    "messages",
    [[], [_message("firing")], [*TOLD, _message("firing")], [*TOLD, _message("resolved")]],
)
def test_one_message_and_one_resolved_message(messages):
    """Neither fewer nor more."""
    assert ["exactly one message, then one resolved message"] == _broken(messages=messages)


def test_a_message_about_something_else():
    """One fault, one message: no storm."""
    messages = [*TOLD, _message("firing", "ErrorRatioHigh")]

    assert ["no other message"] == _broken(messages=messages)


def test_a_late_message():
    """Ten seconds is the limit; ten and a bit is not."""
    late = {**EVENTS, "message in Slack": 110.1}

    assert ["the message arrives within 10 s of the fault"] == _broken(events=late)
    assert [] == _broken(events={**EVENTS, "message in Slack": 110.0})


def test_traffic_that_does_not_come_back():
    """A failover that never ends is half a success."""
    events = {k: v for k, v in EVENTS.items() if k != "traffic is back"}

    assert ["traffic moves, and comes back"] == _broken(events=events)


def test_latency_promises_silence():
    """A slow pool is no failover: any message is one too many."""
    assert [] == _broken("latency", messages=[])
    assert ["no message in Slack"] == _broken("latency", messages=TOLD)


def test_real_slack_is_not_judged():
    """What cannot be seen is neither kept nor broken."""
    promises = [v.promise for v in judge(MODES["error"], Result(sent=1), EVENTS, None)]

    assert ["no client request fails", "traffic moves, and comes back"] == promises
