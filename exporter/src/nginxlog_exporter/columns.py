"""Numbers as nginx writes them; absent (`-`, empty) counts as 0."""

import math
from collections.abc import Sequence


def seconds(text: bytes) -> float:
    """Return a time or duration in seconds."""
    return float(text) if text.strip(b"-") else 0.0


def total(column: Sequence[bytes]) -> int:
    """Return the sum of whole numbers."""
    try:
        # Faster than with int, and exact for all that a double can count.
        fast = sum(map(float, column))
    except ValueError:  # an absent one among them
        fast = math.inf
    if fast < _EXACT:
        return int(fast)
    return sum(int(text) for text in column if text.strip(b"-"))


# Private

_EXACT = 2**53
