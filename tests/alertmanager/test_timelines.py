"""Notifications as they are sent: a timeline of alerts in, messages with time brackets out.

In the manner of Alertmanager's own acceptance tests. All timelines run side by side, on both
versions at once, with the shipped timers: this takes as long as the longest of them.
"""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from timelines import TIMELINES, Silence
from versions import VERSIONS, fetched
from world import Clock, World

from teal.stack import silences

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def played():
    """Play every timeline on every version; return what was told, by version and stack."""
    threads, told = [], {}
    for version in VERSIONS:
        if fetched(version):
            threads.append(threading.Thread(target=_play, args=(version, told), daemon=True))
            threads[-1].start()
    for thread in threads:
        thread.join(timeout=100)
    return told


def _play(version, told):
    events = sorted(
        ((event.at, str(number), event) for number, (posts, _) in enumerate(TIMELINES.values())
         for event in posts),
        key=lambda each: each[0],
    )  # fmt: skip
    end = max(want.latest for _, wants in TIMELINES.values() for want in wants)
    with World(version) as world:
        clock, never = Clock(), threading.Event()
        for at, stack, event in events:
            never.wait(max(0, at - clock.now()))
            if isinstance(event, Silence):
                until = datetime.now(UTC) + timedelta(seconds=event.until - event.at)
                world.client.silence(silences.maintenance(stack), until=until, why="a test")
            else:
                world.post(event.alert(stack))
        never.wait(max(0, end - clock.now()))
        told[version] = [
            (clock.of(message), message["state"], message["payload"]["attachments"][0])
            for message in world.inbox.messages()
        ]


@pytest.mark.parametrize("name", TIMELINES)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_fault_is_told_in_time_and_nothing_else_is(played, version, name):
    """As many messages as the timeline wants, each in its bracket, of the right state and size."""
    fetched(version, or_skip=True)
    stack = str(list(TIMELINES).index(name))
    _, wants = TIMELINES[name]
    messages = [
        (at, state, attachment["footer"].split(" · ")[1], _size(attachment))
        for at, state, attachment in played[version]
        if attachment["footer"].split(" · ")[0] == stack
    ]
    left = list(messages)
    for want in wants:
        found = next(
            (
                message
                for message in left
                if message[1:] == (want.state, want.name, want.alerts)
                and want.earliest <= message[0] <= want.latest
            ),
            None,
        )
        assert found, (want, messages)
        left.remove(found)
    assert [] == left, messages


def _size(attachment):
    more = attachment["title"].rpartition("(and ")[2].removesuffix(" more)")
    return int(more) + 1 if attachment["title"].endswith(" more)") else 1
