"""Send a test message the whole way, Alertmanager included, and say whether Slack took it.

If it did not, say why, in words. The test ends by itself: nothing arrives later.
"""

import argparse
import getpass
import secrets
import time
from datetime import UTC, datetime, timedelta

from teal.choose import choose
from teal.clients import Clients
from teal.clients.alertmanager import Alertmanager, Deliveries, PostedAlert
from teal.errors import WaitedTooLongError
from teal.settings import Settings
from teal.stack import delivery
from teal.stack.runtime import Runtime
from teal.wait import wait_for

# Alertmanager gives a message 10 s and then begins anew. By then the test is over: it is delivered
# within the first 10 s, or never.
TEST_SECONDS = 9
LIMIT_SECONDS = 20
# Slack answers sooner.
REFUSED_WITHIN_SECONDS = 2
# As many lines of Alertmanager's log as it could write meanwhile, and more.
LOG_LINES = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`make slack-test` has no arguments."""


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Send, watch, judge."""
    runtime = choose(settings)
    clients = Clients(settings.url)
    _wait_until_it_speaks(clients.alertmanager)
    run_id = secrets.token_hex(4)
    alert = _alert(settings, run_id)
    # As exact as Alertmanager's log.
    since = datetime.fromisoformat(datetime.now(UTC).isoformat(timespec="milliseconds"))
    before = clients.alertmanager.deliveries("slack")
    clients.alertmanager.post([alert])
    try:
        found = wait_for(
            lambda: _outcome(settings, clients, runtime, run_id=run_id, before=before, since=since),
            what="an outcome",
            seconds=LIMIT_SECONDS,
        )
        failure = "" if found == delivery.TAKEN else delivery.in_words(str(found))
    except WaitedTooLongError:
        failure = f"Alertmanager did not say within {LIMIT_SECONDS} s what became of it."
    finally:
        # Not a moment longer than needed.
        clients.alertmanager.post([{**alert, "endsAt": datetime.now(UTC).isoformat()}])
    where = "Slack" if settings.uses_real_slack else "The local inbox"
    if failure:
        print(f"{where} did not take the test message. {failure}")
        return 1
    print(f"{where} took the test message, number {run_id}: look for it in the channel.")
    if not settings.uses_real_slack:
        print(f"It is at {settings.url('inbox')}/; for Slack set SLACK_WEBHOOK_URL in .env.")
    return 0


# Private


def _wait_until_it_speaks(alertmanager: Alertmanager) -> None:
    if seconds := alertmanager.speaks_in():
        print("Alertmanager has just started; it speaks in some seconds ...", flush=True)
        wait_for(
            lambda: not alertmanager.speaks_in(),
            what="Alertmanager to be ready to speak",
            seconds=2 * seconds,
        )


def _alert(settings: Settings, run_id: str) -> PostedAlert:
    now = datetime.now(UTC)
    return {
        "labels": {
            "alertname": "SlackTest",
            "severity": "info",
            "category": "meta",
            "stack": settings.stack,
            "run": run_id,
        },
        "annotations": {
            "summary": f"Test message {run_id}, sent by {getpass.getuser()}",
            "description": "Messages get through. Nothing has happened, nothing is to be done.",
            "impact": "Nothing.",
            "runbook_url": f"{settings.runbook}#notificationsfailing",
            "dashboard_url": settings.dashboard,
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=TEST_SECONDS)).isoformat(),
    }


def _outcome(
    settings: Settings,
    clients: Clients,
    runtime: Runtime,
    *,
    run_id: str,
    before: Deliveries,
    since: datetime,
) -> str | None:
    """Return `TAKEN`, Alertmanager's error, or None (or "") while nothing is decided."""

    def logged() -> str | None:
        lines = runtime.output("alertmanager", follow=False, lines=LOG_LINES)
        return delivery.outcome(lines, since)

    said = logged()
    if said is not None:
        return said
    if not settings.uses_real_slack:
        titles = [message.title for message in clients.inbox.messages()[-20:]]
        return delivery.TAKEN if any(run_id in title for title in titles) else None
    # Of what succeeds at once the log says nothing.
    if clients.alertmanager.deliveries("slack").delivered <= before.delivered:
        return None
    # That may have been another message; were this one refused, the log would say so by then.
    time.sleep(REFUSED_WITHIN_SECONDS)
    said = logged()
    return delivery.TAKEN if said is None else said
