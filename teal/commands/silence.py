"""Silence one alert for a while, with a reason. Others stay loud; it ends by itself."""

import argparse
from datetime import UTC, datetime

from teal.arguments import duration, reason
from teal.clients import Clients
from teal.settings import Settings
from teal.stack.silences import one_alert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make silence` takes."""
    parser.add_argument("alert", help="the name of the alert, such as StandbyPoolDown")
    parser.add_argument(
        "--for",
        dest="duration",
        type=duration,
        default="30m",
        help="30m, 2h or 1d (default 30m)",
    )
    parser.add_argument("--why", type=reason, required=True, help="the reason, for your colleagues")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Create the silence."""
    until = datetime.now(UTC) + arguments.duration
    Clients(settings.url).alertmanager.silence(
        one_alert(arguments.alert), until=until, why=arguments.why
    )
    print(f"{arguments.alert} is silent until {until:%Y-%m-%d %H:%M} UTC.")
    return 0
