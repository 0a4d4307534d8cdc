"""A planned maintenance and a test message, as a user types them, on the whole stack."""

import json

import pytest

from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_maintenance_is_seen_and_ends(stack):
    """`make status` says who, why and until when; for programs as well."""
    stack.run("maintenance", "--for", "30m", "--why", "new rack")
    try:
        said = stack.run("status")
        (silence,) = json.loads(stack.run("status", "--json"))["silences"]
        assert "MAINTENANCE" in said
        assert "new rack" in said
        assert silence["is_maintenance"]
        assert "new rack" == silence["why"]
        wait_for(
            lambda: stack.metric('sum(alertmanager_silences{state="active"})') == 1,
            what="the dashboard to see it",
            seconds=15,
        )
    finally:
        stack.run("maintenance", "--end")

    assert "MAINTENANCE" not in stack.run("status")


def test_without_an_alertmanager_there_is_no_maintenance(stack):
    """One line that says what does not answer."""
    said = stack.run("maintenance", "--why", "x", code=1)
    assert "FOR=30m is missing" in said
    nobody = {**stack.environment, "ALERTMANAGER_PORT": "9"}
    before, stack.environment = stack.environment, nobody
    try:
        said = stack.run("maintenance", "--for", "30m", "--why", "x", code=1)
    finally:
        stack.environment = before

    assert "does not answer; `make status` shows what runs" in said
    assert 1 == said.count("\n")


def test_a_test_message_arrives(stack):
    """In the inbox, which stands in for Slack; and once."""
    known = {message.id for message in stack.clients.inbox.messages()}

    said = stack.run("slack-test")

    assert "The local inbox took the test message, number " in said
    number = said.split("number ")[1].split(":")[0]
    new = [m.title for m in stack.clients.inbox.messages() if m.id not in known]
    assert [True] == [number in title for title in new]
