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
    "information_source": "ℹ️",
    "book": "📖",
    "bar_chart": "📊",
    "mag": "🔍",
    "no_bell": "🔕",
    "vertical_traffic_light": "🚦",
}
_ENTITY = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_TOKEN = re.compile(
    r"<(?P<link>https?://[^|>\s]+)(?:\|(?P<label>[^>]*))?>"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<!\w)\*(?P<bold>[^*\n]+)\*(?!\w)"
    r"|(?<!\w)_(?P<italic>[^_\n]+)_(?!\w)"
    r"|:(?P<emoji>[a-z0-9_+-]+):"
)


def render(text: str) -> Markup:
    """Return HTML. Whatever is not mrkdwn is escaped; `<!channel>` and the like stay text."""
    html, position = Markup(), 0
    for token in _TOKEN.finditer(text):
        html += _plain(text[position : token.start()]) + _marked(token)
        position = token.end()
    return html + _plain(text[position:])


def plain(text: str) -> Markup:
    """Return HTML of a text in which only emoji and entities mean something, such as a title."""
    return _plain(re.sub(r":([a-z0-9_+-]+):", lambda m: EMOJI.get(m[1], m[0]), text))


def link(url: object) -> str:
    """Return an address that is safe in href: http or https; anything else becomes `#`."""
    return url if isinstance(url, str) and re.match(r"https?://", url) else "#"


# Private


def _marked(token: re.Match[str]) -> Markup:
    if url := token["link"]:
        label = _plain(token["label"] or url)
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(_unescape(url), label)
    if code := token["code"]:
        return Markup("<code>{}</code>").format(_unescape(code))
    if bold := token["bold"]:
        return Markup("<b>{}</b>").format(render(bold))
    if italic := token["italic"]:
        return Markup("<i>{}</i>").format(render(italic))
    return escape(EMOJI.get(token["emoji"], token[0]))


def _plain(text: str) -> Markup:
    return escape(_unescape(text)).replace("\n", Markup("<br>"))


def _unescape(text: str) -> str:
    """Undo the three entities that senders must use; once, so that `&amp;lt;` is `&lt;`."""
    return re.sub("|".join(_ENTITY), lambda match: _ENTITY[match[0]], text)
