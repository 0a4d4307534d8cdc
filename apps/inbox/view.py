"""A message as the page draws it: each value of a payload in the form that a template expects.

Also which resolved message ends which firing one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from inbox.slack import Payload, attachments_of
from inbox.store import Message

# Slack's names for three colours; another colour goes into the page only as #hex.
COLORS = {"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a"}
NO_COLOR = "#8d8d8d"
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_WEB = re.compile(r"https?://\S+")
# What a resolved title has in front of the words of the firing one.
_PREFIX = re.compile(r"^\W*(?:\[?(?:resolved|firing)(?::\d+)?\]?:?)?\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Moment:
    """A time, in seconds since the epoch, with its words in UTC for a page without JavaScript."""

    epoch: float

    @property
    def iso(self) -> str:
        """The time for the `datetime` attribute."""
        return self._utc.isoformat(timespec="milliseconds")

    @property
    def clock(self) -> str:
        """The time of day."""
        return self._utc.strftime("%H:%M:%S UTC")

    @property
    def _utc(self) -> datetime:
        return datetime.fromtimestamp(self.epoch, UTC)


@dataclass(frozen=True, kw_only=True)
class Field:
    """A title and a value; two short ones stand side by side."""

    title: str
    value: str
    is_short: bool


@dataclass(frozen=True, kw_only=True)
class Button:
    """A link that looks like a button."""

    text: str
    url: str
    style: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """One attachment. The `*_marked` flags tell where Slack reads mrkdwn."""

    color: str
    pretext: str
    title: str
    title_link: str
    text: str
    is_text_marked: bool
    are_fields_marked: bool
    fields: list[Field]
    buttons: list[Button]
    footer: str
    moment: Moment | None
    has_blocks: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """One message on the page. `ends` and `ended_by` are other messages, newest last."""

    id: int
    moment: Moment
    state: str
    username: str
    icon: str
    text: str
    attachments: list[Attachment]
    has_blocks: bool
    ends: list[Message]
    ended_by: Message | None

    @property
    def began(self) -> Moment:
        """When what a resolved message ends began."""
        return Moment(self.ends[0].received)

    @property
    def lasted(self) -> str:
        """How long a firing message stood until it was resolved, for people."""
        if self.ended_by is None:
            return ""
        minutes, seconds = divmod(round(self.ended_by.received - self.moment.epoch), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def cards(messages: list[Message]) -> list[Card]:
    """Return the cards of all messages, oldest first."""
    ended_by = _ties(messages)
    ends: dict[int, list[Message]] = {}
    for message in messages:
        if message.id in ended_by:
            ends.setdefault(ended_by[message.id].id, []).append(message)
    return [_card(m, ends=ends.get(m.id, []), ended_by=ended_by.get(m.id)) for m in messages]


def cards_touched_by(new: Iterable[Message], messages: list[Message]) -> list[Card]:
    """Return the cards that new messages add or change, oldest first."""
    ids = {message.id for message in new}
    return [
        card
        for card in cards(messages)
        if card.id in ids or (card.ended_by is not None and card.ended_by.id in ids)
    ]


# Private


def _ties(messages: list[Message]) -> dict[int, Message]:
    """Return which message ended each firing one, by the firing one's id."""
    standing: dict[str, list[int]] = {}
    ended_by = {}
    for message in messages:
        subject = _subject(message)
        if message.state == "firing":
            standing.setdefault(subject, []).append(message.id)
        elif message.state == "resolved":
            ended_by.update(dict.fromkeys(standing.pop(subject, []), message))
    return ended_by


def _subject(message: Message) -> str:
    """Return what a message is about: its footer (stack and alert), else its title's words."""
    first = next(iter(attachments_of(message.payload) or []), {})
    return _text(first.get("footer")) or _PREFIX.sub("", _text(first.get("title")))


def _card(message: Message, *, ends: list[Message], ended_by: Message | None) -> Card:
    payload = message.payload
    return Card(
        id=message.id,
        moment=Moment(message.received),
        state=message.state,
        username=_text(payload.get("username")) or "incoming-webhook",
        icon=_text(payload.get("icon_emoji")) or ":bell:",
        text=_text(payload.get("text")),
        attachments=[_attachment(a) for a in attachments_of(payload) or []],
        has_blocks=bool(payload.get("blocks")),
        ends=ends,
        ended_by=ended_by,
    )


def _attachment(raw: Payload) -> Attachment:
    marked = raw.get("mrkdwn_in")
    marked = marked if isinstance(marked, list) else ["text", "pretext"]
    text, title = _text(raw.get("text")), _text(raw.get("title"))
    return Attachment(
        color=_color(raw.get("color")),
        pretext=_text(raw.get("pretext")),
        title=title,
        title_link=_link(raw.get("title_link")),
        text=text if text or title else _text(raw.get("fallback")),
        is_text_marked="text" in marked,
        are_fields_marked="fields" in marked,
        fields=[_field(field) for field in raw.get("fields") or []],
        buttons=[_button(button) for button in raw.get("actions") or []],
        footer=_text(raw.get("footer")),
        moment=_moment(raw.get("ts")),
        has_blocks=bool(raw.get("blocks")),
    )


def _field(raw: Payload) -> Field:
    return Field(
        title=_text(raw.get("title")),
        value=_text(raw.get("value")),
        is_short=raw.get("short") is True,
    )


def _button(raw: Payload) -> Button:
    style = raw.get("style")
    return Button(
        text=_text(raw.get("text")),
        url=_link(raw.get("url")),
        style=style if style in ("primary", "danger") else "",
    )


def _text(value: object) -> str:
    """Return text that can be sent: half a surrogate pair, valid in JSON, is not valid in UTF-8."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return text.encode("utf-8", "replace").decode().strip()


def _color(value: object) -> str:
    name = str(value or "")
    found = _HEX.fullmatch(name)
    return COLORS.get(name) or (f"#{found[1]}" if found else NO_COLOR)


def _link(value: object) -> str:
    """Return an address that is safe to follow, or nothing."""
    address = _text(value)
    return address if _WEB.fullmatch(address) else ""


def _moment(value: object) -> Moment | None:
    try:
        moment = Moment(float(str(value)))
        datetime.fromtimestamp(moment.epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment
