"""Silence one alert for a while, with a reason. Others stay loud; it ends by itself."""

import argparse
import getpass
import re
from datetime import UTC, datetime, timedelta

import requests

from teal.settings import Settings

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LIMIT_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make silence` takes."""
    parser.add_argument("alert", help="the name of the alert, such as StandbyPoolDown")
    parser.add_argument(
        "--for", dest="duration", type=_duration, default="30m", help="30m, 2h or 1d (default 30m)"
    )
    parser.add_argument("--why", required=True, help="the reason, for your colleagues")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Create the silence."""
    start = datetime.now(UTC)
    end = start + arguments.duration
    matchers = [{"name": "alertname", "value": arguments.alert, "isRegex": False, "isEqual": True}]
    answer = requests.post(
        settings.url("alertmanager") + "/api/v2/silences",
        json={
            "matchers": matchers,
            "startsAt": start.isoformat(),
            "endsAt": end.isoformat(),
            "createdBy": getpass.getuser(),
            "comment": arguments.why,
        },
        timeout=LIMIT_SECONDS,
    )
    answer.raise_for_status()
    print(f"{arguments.alert} is silent until {end:%Y-%m-%d %H:%M} UTC.")
    return 0


# Private


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 30m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
