"""What nginx writes for a variable, as regular expressions.

Time is linear in the length of a line, whatever a client sends. Runs of characters are possessive:
they are never tried in a second way. Groups that repeat are not, because CPython before 3.11.5
matches possessive groups wrongly (gh-106052; Debian 12 has 3.11.2), but they need not be: each turn
begins with a text that cannot be what follows the group, so giving a turn back fails at once.

A value therefore ends where its kind says (numbers, lists, quoted text) or else at the first
appearance of the literal text that follows it.

Each pattern comes exact and quick. The quick one leaves out what is rare (an absent number, an
escaped quote) and may run over a newline, because runs of "anything but one character" are what
Python's engine is fastest at. Whatever it matches within one line, the exact one matches alike; who
uses it counts the lines, and so sees when it took several for one.
"""

import re
from typing import NamedTuple

from nginxlog_exporter.parse.variables import COUNTS, SECONDS, WORDS, is_header, is_list


class Pattern(NamedTuple):
    """A pattern for any line, and a quicker one for nearly all lines."""

    exact: bytes
    quick: bytes

    @classmethod
    def of(cls, pattern: bytes) -> "Pattern":
        """Return a pattern that is quick as it is."""
        return cls(pattern, pattern)


# The first word of $request.
METHOD = Pattern.of(rb"[^\s\"\\]*+")
# In Python's engine faster than [^\n].
REST_OF_LINE = Pattern.of(rb".*+")
# One duration or time as nginx writes it. Digits are bounded: whatever an upstream writes stays a
# finite number.
DECIMAL = rb"[0-9]{1,12}+(?:\.[0-9]{1,6}+)?"


def is_quoted(before: str, after: str) -> bool:
    """Tell whether a variable stands alone between quotes."""
    return before.endswith('"') and after.startswith('"')


def typed(name: str, field: str | None, before: str, after: str, escape: str) -> Pattern | None:
    """Return the pattern of a variable whose kind says where it ends, else None.

    `field` is what it fills, which may be another variable's.
    """
    quoted = is_quoted(before, after)
    # Absent is `-` by default and nothing otherwise; a double space must not pass for a number.
    absent = b"?" if quoted or escape != "default" else b""
    if field in _NUMBERS:
        return Pattern(_NUMBERS[field].exact + absent, _NUMBERS[field].quick)
    if quoted:
        # What is no number between the quotes is no duration either: see values.py.
        return _QUOTED_TIMES if name in SECONDS and field else None
    # An unquoted list holds the very spaces and commas that end other values.
    if name in COUNTS:
        return Pattern.of(_list(_INTEGER.exact) + absent)
    if name in SECONDS:
        return Pattern.of(_list(_TIME.exact) + absent)
    if is_list(name) and not (is_header(name) and after not in (" ", ",")):
        return Pattern.of(_list(_word(after)) + absent)
    return None


def free(variable: str, before: str, after: str, escape: str) -> Pattern:
    """Return the pattern of text of any kind, which ends where `after` begins."""
    if before.endswith('"') and after.startswith('"') and escape == "default":
        return Pattern(rb'[^"\n]*+', rb'[^"]*+')  # a quote in the value is written \x22
    if before.endswith('"') and after.startswith('"') and escape == "json":
        return Pattern(rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*', rb'[^"]*+(?<!\\)')
    if not after:
        return REST_OF_LINE
    end = after.encode()
    one_word = _up_to(end[:1])
    if variable in WORDS:
        return Pattern(_up_to(end[:1], b"\n"), one_word)
    return Pattern(_up_to(end, b"\n"), one_word if variable in _USUAL_WORDS else _up_to(end))


# Private

_INTEGER = Pattern(rb"(?:[0-9]{1,18}+|-)", rb"[0-9]{1,18}+")
_TIME = Pattern(rb"(?:" + DECIMAL + rb"|-)", rb"[0-9]{1,12}+\.[0-9]{1,6}+")
_NUMBERS = {
    "status": _INTEGER,
    "bytes_sent": _INTEGER,
    "request_length": _INTEGER,
    "request_time": _TIME,
    "msec": _TIME,
}
_QUOTED_TIMES = Pattern.of(rb"[-0-9., :]*+")
# Ours, which nobody gives a space.
_USUAL_WORDS = ("desired", "streaming", "upstream_http_x_release_id")
_SEPARATOR = rb"(?:, | : )"


def _list(item: bytes) -> bytes:
    """Return the pattern of a list; nginx leaves entries out, but writes their separators."""
    # The first is there, or a comma instead of it: else a double space would pass for a list.
    more = rb"(?:" + _SEPARATOR + rb"(?:" + item + rb")?)*"
    return rb"(?:(?:" + item + rb"|(?=, ))" + more + rb")"


def _word(after: str) -> bytes:
    """Return the pattern of an address or another word in front of this text."""
    end = re.escape(after[:1].encode())
    # An address may begin with brackets, in front of a bracket, too.
    return rb"(?:\[[^\s,\"\[\]]*+\])?[^\s,\"" + end + rb"]++|\[[^\s,\"\[\]]*+\]"


def _up_to(end: bytes, never: bytes = b"") -> bytes:
    """Return the pattern of all before the first `end`, without characters of `never`."""
    first, rest = re.escape(end[:1]), re.escape(end[1:])
    ordinary = rb"[^" + first + never + rb"]*+"
    if not rest:
        return ordinary
    return ordinary + rb"(?:" + first + rb"(?!" + rest + rb")" + ordinary + rb")*"
