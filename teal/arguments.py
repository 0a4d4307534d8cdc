"""What commands accept as a number: a wrong one is refused with what would be right."""

import argparse
import re
from collections.abc import Callable

# So many digits are more than anything here can use, and fewer than Python takes long for.
_WHOLE = re.compile(r"[0-9]{1,9}")


def whole(*, least: int = 1, most: int | None = None) -> Callable[[str], int]:
    """Return what argparse needs to read a whole number from `least` to `most`, both allowed."""
    wanted = f"from {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else -1
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {wanted}")
        return number

    return read
