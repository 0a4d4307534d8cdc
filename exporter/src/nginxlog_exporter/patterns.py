"""What nginx writes for a variable, as regular expressions.

Time is linear in the length of a line, whatever a client sends. Runs of characters are possessive:
they are never tried in a second way. Groups that repeat are not, because CPython before 3.11.5
matches possessive groups wrongly (gh-106052; Debian 12 has 3.11.2), but they need not be: each turn
begins with a text that cannot be what follows the group, so giving a turn back fails at once.

A value therefore ends where its kind says (numbers, lists, quoted text) or else at the first
appearance of the literal text that follows it.
"""

import re

# The first word of $request.
METHOD = rb"[^\s\"\\]*+"


def typed(field: str | None, before: str, after: str, escape: str) -> bytes | None:
    """Return the pattern of a field whose kind says where it ends, else None."""
    quoted = before.endswith('"')
    if field in _TYPED:
        # Absent is `-` by default and nothing otherwise; a double space must not pass for a number.
        return _TYPED[field] + (b"?" if quoted or escape != "default" else b"")
    # An unquoted list holds the very spaces that end other values.
    if field in _LISTS and after.startswith(" ") and not quoted:
        return _WORDS if escape == "default" else rb"(?:" + _WORDS + rb")?"
    return None


def free(before: str, after: str, escape: str) -> bytes:
    """Return the pattern of text of any kind, which ends where `after` begins."""
    if before.endswith('"') and after.startswith('"') and escape == "default":
        return rb'[^"\n]*+'  # a quote in the value is written \x22
    if before.endswith('"') and after.startswith('"') and escape == "json":
        return rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*'
    if not after:
        return rb"[^\n]*+"
    first, rest = re.escape(after.encode()[:1]), re.escape(after.encode()[1:])
    ordinary = rb"[^" + first + rb"\n]*+"
    return ordinary + rb"(?:" + first + rb"(?!" + rest + rb")" + ordinary + rb")*"


# Private

# Digits are bounded: whatever an upstream writes stays a finite number.
_INTEGER = rb"(?:[0-9]{1,18}+|-)"
_DECIMAL = rb"(?:[0-9]{1,12}+(?:\.[0-9]{1,6}+)?|-)"
_DECIMALS = rb"(?:" + _DECIMAL + rb"(?:(?:, | : )" + _DECIMAL + rb")*)"
_WORDS = rb"[^\s,\"]++(?:(?:, | : )[^\s,\"]++)*"
_TYPED = {
    "status": _INTEGER,
    "bytes_sent": _INTEGER,
    "request_length": _INTEGER,
    "request_time": _DECIMAL,
    "msec": _DECIMAL,
    "upstream_response_time": _DECIMALS,
    "upstream_connect_time": _DECIMALS,
}
_LISTS = ("upstream_addr", "upstream_status")
