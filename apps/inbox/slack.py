"""What Slack's incoming webhook accepts and answers, as far as it is documented. Pure.

https://api.slack.com/messaging/webhooks#handling_errors
https://api.slack.com/reference/messaging/attachments
"""

from typing import Any, NamedTuple

Payload = dict[str, Any]

MOST_ATTACHMENTS = 100
MOST_BUTTONS = 5
_VISIBLE = ("title", "text", "fallback", "pretext", "fields", "blocks", "image_url")


class Answer(NamedTuple):
    """An HTTP status and the plain text that comes with it."""

    status: int
    text: str


OK = Answer(200, "ok")


def check(payload: object) -> Answer:
    """Return what Slack would answer to a payload: `OK`, or 400 with its word for the mistake."""
    if not isinstance(payload, dict):
        return Answer(400, "invalid_payload")
    attachments = payload.get("attachments", [])
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        return Answer(400, "invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        return Answer(400, "too_many_attachments")
    if not (payload.get("text") or payload.get("blocks") or any(map(_is_visible, attachments))):
        return Answer(400, "no_text")
    if not all(map(_has_valid_buttons, attachments)):
        return Answer(400, "invalid_attachments")
    return OK


def state(payload: Payload) -> str:
    """Return `firing`, `resolved` or `info`, read off the colour that Teal's template gives."""
    color = next((a.get("color", "") for a in payload.get("attachments", [])), "")
    return {"good": "resolved", "danger": "firing", "warning": "firing"}.get(color, "info")


# Private


def _is_visible(attachment: Payload) -> bool:
    return any(attachment.get(name) for name in _VISIBLE)


def _has_valid_buttons(attachment: Payload) -> bool:
    actions = attachment.get("actions") or []
    return (
        isinstance(actions, list)
        and len(actions) <= MOST_BUTTONS
        and all(isinstance(a, dict) and a.get("text") and a.get("url", "x") for a in actions)
    )
