"""Numbers as nginx writes them; absent (`-`, empty) counts as 0."""

from collections.abc import Sequence


def seconds(text: bytes) -> float:
    """Return a time or duration in seconds."""
    return float(text) if text.strip(b"-") else 0.0


def total(column: Sequence[bytes]) -> int:
    """Return the sum of whole numbers."""
    try:
        return sum(map(int, column))
    except ValueError:  # an absent one among them
        return sum(int(text) for text in column if text.strip(b"-"))
