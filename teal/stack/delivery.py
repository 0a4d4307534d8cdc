"""What became of a test message: read off Alertmanager's log, and said in words."""

import re
from collections.abc import Iterable
from datetime import datetime

TAKEN = "taken"
# The receiver in alertmanager.yml that only test messages go to.
RECEIVER = "slack-test"

_TIME = re.compile(r"^(?:ts|time)=(\S+)")
_ERROR = re.compile(r'err="((?:[^"\\]|\\.)*)"')
_STATUS = re.compile(r"unexpected status code (\d+)(?:: (.*))?")
# Slack's own words for what is wrong, https://api.slack.com/messaging/webhooks#handling_errors
_WORDS = {
    "no_service": "The webhook does not exist, or was switched off. Make a new one.",
    "no_service_id": "The webhook's address is not complete.",
    "no_team": "The webhook's workspace does not exist any more.",
    "team_disabled": "The webhook's workspace is switched off.",
    "invalid_token": "The webhook's address has a mistake, or was revoked. Make a new one.",
    "no_active_hooks": "The webhook is switched off. Make a new one.",
    "channel_not_found": "The webhook's channel does not exist any more. Make a new webhook.",
    "channel_is_archived": "The webhook's channel is archived. Restore it, or make a new webhook.",
    "action_prohibited": "An administrator of the workspace does not allow this webhook to post.",
    "posting_to_general_channel_denied": "This webhook may not post to #general.",
    "user_not_found": "The user whom the webhook writes to does not exist any more.",
    "no_text": "The message was empty: a template is broken. See: make check",
    "invalid_payload": "The message is malformed: a template is broken. See: make check",
    "invalid_attachments": "The message is malformed: a template is broken. See: make check",
    "too_many_attachments": "The message is malformed: a template is broken. See: make check",
    "msg_too_long": "The message is too long.",
}
_STATUSES = {
    "301": "The webhook's address leads elsewhere: it has a mistake.",
    "302": "The webhook's address leads elsewhere: it has a mistake.",
    "403": "The webhook was revoked, or may not post there. Make a new one.",
    "404": "The webhook does not exist. Make a new one.",
    "410": "The webhook's channel is archived or deleted. Make a new webhook.",
    "429": "Too many messages: Slack takes one a second. Alertmanager tries again by itself.",
}
_NETWORK = (
    ("no such host", "The name in the webhook's address is not found: is there DNS, a network?"),
    ("server misbehaving", "No name server answers: is there a network?"),
    ("connection refused", "Nothing listens at the webhook's address."),
    ("network is unreachable", "There is no way to that network from here."),
    ("no route to host", "There is no way to that host from here."),
    ("deadline exceeded", "No answer came in time: a firewall, a proxy, or Slack has trouble."),
    ("i/o timeout", "No answer came in time: a firewall, a proxy, or Slack has trouble."),
    ("x509", "The certificate at the webhook's address is not trusted: a proxy in between?"),
    ("no such file", "The file with the webhook is missing. See: make up"),
    ("unsupported protocol", "The webhook's address must begin with https://"),
)


def outcome(lines: Iterable[str], since: datetime) -> str | None:
    """Return what Alertmanager's log says of a test message since then: `TAKEN`, or the error.

    None where it says nothing; "" where it tries again. A success at once is not in the log.
    """
    found = None
    for line in lines:
        at = _TIME.match(line)
        if at is None or RECEIVER not in line or datetime.fromisoformat(at[1]) < since:
            continue
        error = _ERROR.search(line)
        if "Notify success" in line:
            found = TAKEN
        elif "will retry later" in line:
            found = found or ""
        elif error:
            found = error[1].replace('\\"', '"')
    return found


def in_words(error: str) -> str:
    """Return a reason that a person can act on, with what Slack answered."""
    if status := _STATUS.search(error):
        said = (status[2] or "").strip()
        reason = _WORDS.get(said) or _STATUSES.get(status[1]) or _by_kind(status[1])
        return f"{reason} (Slack's answer: {status[1]}{' ' + said[:100] if said else ''})"
    for sign, reason in _NETWORK:
        if sign in error:
            return reason
    return f"Alertmanager says: {error}"


# Private


def _by_kind(status: str) -> str:
    if status.startswith("5"):
        return "Slack itself has trouble: see status.slack.com. Alertmanager tries again by itself."
    return "Slack refused it."
