"""Values as nginx writes them: numbers, durations, lists; absent is `-` or empty, and no error."""

import math
import re
from collections.abc import Mapping, Sequence

from nginxlog_exporter.parse.patterns import DECIMAL
from nginxlog_exporter.parse.records import Times


def present(text: str | None) -> str | None:
    """Return a value, None if it is absent."""
    return None if text in _ABSENT else text


def seconds(text: bytes) -> float:
    """Return a time (since the epoch) or duration in seconds, 0 if absent."""
    return float(text) if text.strip(b"-") else 0.0


def total(column: Sequence[bytes]) -> int:
    """Return the sum of whole numbers, an absent one being 0."""
    try:
        # Faster than with int, and exact for all that a double can count.
        fast = sum(map(float, column))
    except ValueError:  # an absent one among them
        fast = math.inf
    if fast < _EXACT:
        return int(fast)
    return sum(int(text) for text in column if text.strip(b"-"))


def split_list(text: str) -> list[str]:
    """Split a list as nginx writes it: `a, b` for retries, `a : b` after an internal redirect."""
    return _BETWEEN.split(text) if present(text) else []


def milliseconds(text: str) -> int | None:
    """Return a duration that nginx wrote in seconds as milliseconds, None if it is no number."""
    return round(float(text) * 1000) if _DURATION.fullmatch(text) else None


def times(fields: Mapping[str, str]) -> Times:
    """Return how long a request with these fields took."""
    return Times(
        request=milliseconds(fields.get("request_time", "")),
        responses=tuple(map(milliseconds, split_list(fields.get("upstream_response_time", "")))),
        connects=tuple(map(milliseconds, split_list(fields.get("upstream_connect_time", "")))),
    )


# Private

_ABSENT = (None, "", "-")
_BETWEEN = re.compile(r", ?| : ")
_DURATION = re.compile(DECIMAL.decode(), re.ASCII)
# A double counts exactly up to here.
_EXACT = 2**53
