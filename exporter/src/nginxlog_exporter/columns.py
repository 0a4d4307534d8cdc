"""Sums and times over a column of numbers as nginx writes them; absent (`-`, empty) counts as 0."""

from collections.abc import Sequence
from operator import sub


def seconds(text: bytes) -> float:
    """Return a time or duration in seconds."""
    return float(text) if text.strip(b"-") else 0.0


def total(column: Sequence[bytes]) -> int:
    """Return the sum of whole numbers."""
    try:
        return sum(map(int, column))
    except ValueError:  # an absent one among them
        return sum(int(text) for text in column if text.strip(b"-"))


def differences(left: Sequence[bytes], right: Sequence[bytes]) -> list[float]:
    """Return left - right, row by row; a column that the log does not have is empty."""
    try:
        lefts, rights = list(map(float, left)), list(map(float, right))
    except ValueError:  # an absent one among them
        lefts, rights = list(map(seconds, left)), list(map(seconds, right))
    return list(map(sub, lefts, rights)) if rights else lefts
