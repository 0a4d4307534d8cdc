"""Reads `log_format` out of nginx configuration text, word by word as nginx does.

The configuration is not interpreted otherwise: comments are skipped, quotes and backslashes mean
what they mean to nginx, and every `log_format` is found wherever it stands, includes not
followed. https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

ESCAPES = ("default", "json", "none")


class LogFormatError(ValueError):
    """A log format cannot be used; the text says why and what to do."""


class LogFormat(NamedTuple):
    """One `log_format` directive: its strings joined, nginx's own quoting taken off."""

    name: str
    text: str
    escape: str = "default"


# The format that every nginx has.
COMBINED = LogFormat(
    "combined",
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"',
)


def log_formats(configuration: str) -> dict[str, LogFormat]:
    """Return every `log_format` of the configuration by name. Raises LogFormatError."""
    directives = map(_log_format, _directives(configuration))
    return {found.name: found for found in directives if found is not None}


def choose(formats: dict[str, LogFormat], name: str | None) -> LogFormat:
    """Return the format of that name; without a name, the only one. Raises LogFormatError."""
    known = ", ".join(formats) or "none at all"
    if name is None:
        if len(formats) != 1:
            raise LogFormatError(
                f"the configuration holds not one log_format but these: {known};"
                " say which with NGINXLOG_FORMAT_NAME"
            )
        return next(iter(formats.values()))
    if name not in formats:
        raise LogFormatError(f"no log_format {name!r} in the configuration, only: {known}")
    return formats[name]


# Private

# Quotes mean something only at the start of a word, and `${` inside a word opens no block.
_WORD = re.compile(
    r"""\s++ | \#[^\n]*+
    | (?P<end>[;{}])
    | '(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*)'
    | "(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*)"
    | (?P<bare>(?!['"])(?:\$\{|\\.|[^\s;{\\])+)""",
    re.VERBOSE | re.DOTALL,
)
# As in OpenResty's content_by_lua_block.
_LUA_BLOCK = "_by_lua_block"
# Comments, strings and long brackets of Lua; braces; all else. A quote that is not closed on its
# line is Lua's mistake and not ours.
_LUA = re.compile(
    r"""(?:--)?\[(?P<level>=*)\[.*?\](?P=level)\]
    | --[^\n]*+
    | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*'
    | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*"
    | [{}] | [^{}'"\[-]++ | [-\['"]""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\"'\\trn])")
_UNESCAPED = {"t": "\t", "r": "\r", "n": "\n"}


def _directives(configuration: str) -> Iterator[list[str]]:
    words: list[str] = []
    at = 0
    while at < len(configuration):
        word = _WORD.match(configuration, at)
        if word is None:
            line = configuration.count("\n", 0, at) + 1
            raise LogFormatError(f"line {line} of the configuration: a quote is not closed")
        at = word.end()
        if word["end"] == "{" and words and words[0].endswith(_LUA_BLOCK):
            at = _end_of_lua(configuration, at)
            words = []
        elif word["end"]:
            yield words
            words = []
        elif word.lastgroup:
            words.append(_ESCAPED.sub(_unescape, word[word.lastgroup]))


def _end_of_lua(configuration: str, at: int) -> int:
    """Return the place behind the brace that ends a block of Lua, in which quotes are Lua's."""
    depth = 1
    while depth:
        piece = _LUA.match(configuration, at)
        if piece is None:
            line = configuration.count("\n", 0, at) + 1
            raise LogFormatError(f"line {line} of the configuration: a block of Lua is not closed")
        depth += {"{": 1, "}": -1}.get(piece[0], 0)
        at = piece.end()
    return at


def _unescape(escaped: re.Match[str]) -> str:
    return _UNESCAPED.get(escaped[1], escaped[1])


def _log_format(words: list[str]) -> LogFormat | None:
    if words[:1] != ["log_format"]:
        return None
    name, *strings = words[1:] or [""]
    escape = "default"
    if strings and strings[0].startswith("escape="):
        escape = strings.pop(0).removeprefix("escape=")
    if escape not in ESCAPES:
        raise LogFormatError(f"log_format {name}: escape={escape} is none of {', '.join(ESCAPES)}")
    if not strings:
        raise LogFormatError(f"log_format {name!r} has no text")
    return LogFormat(name=name, text="".join(strings), escape=escape)
