"""What Slack's incoming webhook accepts and answers, as far as it is documented. Pure.

https://api.slack.com/messaging/webhooks#handling_errors
https://api.slack.com/reference/messaging/attachments

Where Slack's documents are silent, this stand-in is the stricter one: a message it takes is one
that Slack shows as it was meant.
"""

import json
import math
import re
from typing import Any, NamedTuple

Payload = dict[str, Any]

MOST_ATTACHMENTS = 100
MOST_BUTTONS = 5
# Slack cuts a longer text off; Alertmanager cuts a longer title off itself.
LONGEST_TEXT = 40_000
LONGEST_TITLE = 1024
LONGEST_FOOTER = 300
LONGEST_BUTTON = 75
LONGEST_ADDRESS = 3000

_VISIBLE = ("title", "text", "fallback", "pretext")
_ADDRESS = re.compile(r"[\w-]+/[\w-]+/[\w-]+", re.ASCII)
_WEB = re.compile(r"https?://\S+")


class Answer(NamedTuple):
    """An HTTP status and the plain text that comes with it."""

    status: int
    text: str


OK = Answer(200, "ok")
NO_SERVICE = Answer(404, "no_service")
INVALID_PAYLOAD = Answer(400, "invalid_payload")
INVALID_ATTACHMENTS = Answer(400, "invalid_attachments")


def is_webhook(address: str) -> bool:
    """Whether a path below /services/ has the form of a webhook's: team/bot/token."""
    return _ADDRESS.fullmatch(address) is not None


def parse(text: str | bytes) -> Payload | None:
    """Return the payload, or None where the text is not one JSON object."""
    try:
        payload = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def check(payload: Payload) -> Answer:
    """Return what Slack would answer to a payload: `OK`, or 400 with its word for the mistake."""
    attachments = attachments_of(payload)
    if attachments is None:
        return INVALID_ATTACHMENTS
    if len(attachments) > MOST_ATTACHMENTS:
        return Answer(400, "too_many_attachments")
    if not (_says(payload, "text") or payload.get("blocks") or any(map(_is_visible, attachments))):
        return Answer(400, "no_text")
    if len(str(payload.get("text") or "")) > LONGEST_TEXT:
        return Answer(400, "msg_too_long")
    if not all(map(_is_valid, attachments)):
        return INVALID_ATTACHMENTS
    return OK


def attachments_of(payload: Payload) -> list[Payload] | None:
    """Return the attachments, [] for none; None where they are not a list of objects."""
    return _objects(payload.get("attachments"))


def state(payload: Payload) -> str:
    """Return `firing`, `resolved` or `info`, read off the first attachment's colour.

    The colours are Alertmanager's own defaults too: `good` for resolved, `danger` for firing.
    """
    color = next((a.get("color") for a in attachments_of(payload) or []), None)
    states = {"good": "resolved", "danger": "firing", "warning": "firing"}
    return states.get(str(color), "info")


# Private


def _finite(number: str) -> float:
    """Read a number that can be written as JSON again: not NaN, nor 1e999, which is infinite."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is no number of JSON")
    return value


def _objects(value: object) -> list[Payload] | None:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    return value


def _says(thing: Payload, name: str) -> bool:
    value = thing.get(name)
    return isinstance(value, str) and bool(value.strip())


def _is_visible(attachment: Payload) -> bool:
    if any(_says(attachment, name) for name in _VISIBLE) or attachment.get("blocks"):
        return True
    fields = _objects(attachment.get("fields")) or []
    return any(_says(field, "title") or _says(field, "value") for field in fields)


def _is_valid(attachment: Payload) -> bool:
    buttons = _objects(attachment.get("actions"))
    return (
        _objects(attachment.get("fields")) is not None
        and buttons is not None
        and len(buttons) <= MOST_BUTTONS
        and all(map(_is_valid_button, buttons))
        and len(str(attachment.get("title") or "")) <= LONGEST_TITLE
        and len(str(attachment.get("text") or "")) <= LONGEST_TEXT
        and len(str(attachment.get("footer") or "")) <= LONGEST_FOOTER
    )


def _is_valid_button(button: Payload) -> bool:
    """Whether a button has words and an address; without one, a webhook's button leads nowhere."""
    words, address = str(button.get("text")), str(button.get("url") or "")
    is_short = len(words) <= LONGEST_BUTTON and len(address) <= LONGEST_ADDRESS
    return is_short and _says(button, "text") and _WEB.fullmatch(address) is not None
