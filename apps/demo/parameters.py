"""Numbers from a query string, within bounds, or a 400 that names them."""

import math

from flask import Request
from werkzeug.exceptions import BadRequest


def number(request: Request, name: str, *, default: float, least: float, most: float) -> float:
    """Read `?name=` as a number from `least` to `most`. Raises BadRequest (400)."""
    text = request.values.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise BadRequest(f"{name} must be a number from {least:g} to {most:g}, not {text[:40]!r}")
    return value


def choice(request: Request, name: str, *, allowed: tuple[str, ...], default: str = "") -> str:
    """Read `?name=` as one of the allowed words. Raises BadRequest (400)."""
    text = request.values.get(name, default)
    if text not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(allowed)}, not {text[:40]!r}")
    return text
