"""Slack's mrkdwn as safe HTML: the only place where text from outside becomes markup.

https://api.slack.com/reference/surfaces/formatting
"""

import re

from markupsafe import Markup, escape

# The emoji that Teal's messages use; an unknown one stays as it is written.
EMOJI = {
    "rotating_light": "🚨",
    "white_check_mark": "✅",
    "warning": "⚠️",
    "information_source": "\u2139\ufe0f",
    "book": "📖",
    "bar_chart": "📊",
    "mag": "🔍",
    "no_bell": "🔕",
    "vertical_traffic_light": "🚦",
    "fire": "🔥",
    "bell": "🔔",
}
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_EMOJI = r":(?P<emoji>[a-z0-9_+-]+):"
_LINKS = r"<(?P<address>(?:https?://|mailto:)[^<>|\s]+)(?:\|(?P<label>[^<>\n]*))?>"
_MARKS = (
    r"```\n?(?P<block>.+?)\n?```"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?P<bare>\bhttps?://[^\s<>|`]*[^\s<>|`.,;:!?)'\"*_~])"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])"
)
# Nothing nests in itself (there is no * between two *), so that depth is bounded.
_FORMATTED = re.compile(f"{_LINKS}|{_MARKS}|{_EMOJI}", re.DOTALL)
_PLAIN = re.compile(f"{_LINKS}|{_EMOJI}")
_TAGS = {"bold": "b", "italic": "i", "strike": "s"}


def render(text: str) -> Markup:
    """Return HTML of a text in mrkdwn. `<script>`, `<!channel>` and the like stay text."""
    return _render(text, _FORMATTED)


def plain(text: str) -> Markup:
    """Return HTML of a text in which only links, emoji and entities mean something: a title."""
    return _render(text, _PLAIN)


# Private


def _render(text: str, tokens: re.Pattern[str]) -> Markup:
    html, position = [], 0
    for token in tokens.finditer(text):
        html += [_literal(text[position : token.start()]), _marked(token, tokens)]
        position = token.end()
    return Markup().join([*html, _literal(text[position:])])


def _marked(token: re.Match[str], tokens: re.Pattern[str]) -> Markup:
    kind, found = str(token.lastgroup), token[str(token.lastgroup)]
    if kind in ("address", "label", "bare"):
        address = _unescape(token["address"] if kind != "bare" else found)
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(
            address, _literal(token["label"] or address if kind != "bare" else address)
        )
    if kind == "block":
        return Markup("<pre>{}</pre>").format(_unescape(found))
    if kind == "code":
        return Markup("<code>{}</code>").format(_unescape(found))
    if kind == "emoji":
        return escape(EMOJI.get(found, token[0]))
    tag = Markup(_TAGS[kind])  # noqa: S704 - our own
    return Markup("<{0}>{1}</{0}>").format(tag, _render(found, tokens))


def _literal(text: str) -> Markup:
    return escape(_unescape(text)).replace("\n", Markup("<br>\n"))


def _unescape(text: str) -> str:
    """Undo the three entities that senders must use; once, so that `&amp;lt;` is `&lt;`."""
    return re.sub("|".join(_ENTITIES), lambda match: _ENTITIES[match[0]], text)
