"""What commands accept as an argument: a wrong one is refused with what would be right."""

import argparse
import re
from collections.abc import Callable
from datetime import timedelta

# So many digits are more than anything here can use, and fewer than Python takes long for.
_WHOLE = re.compile(r"[0-9]{1,9}")
_DURATION = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def whole(*, least: int = 1, most: int | None = None) -> Callable[[str], int]:
    """Return what argparse needs to read a whole number from `least` to `most`, both allowed."""
    wanted = f"from {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else -1
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {wanted}")
        return number

    return read


def duration(text: str) -> timedelta:
    """Read 30m, 2h or 1d, for argparse. Raises ArgumentTypeError that says what is right."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 30m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def reason(text: str) -> str:
    """Read a reason, for argparse. Raises ArgumentTypeError where it is empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason must say something: WHY='new disk'")
    return text.strip()
