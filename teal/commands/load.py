"""Send demo traffic through the front door, for a bounded time. Exits with 1 if a request fails."""

import argparse

from teal.arguments import whole
from teal.drills.traffic import Traffic
from teal.settings import Settings

MOST_REQUESTS_PER_SECOND = 200
LONGEST_SECONDS = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make load` takes."""
    parser.add_argument(
        "--seconds", type=whole(most=LONGEST_SECONDS), default=30, help=f"1 to {LONGEST_SECONDS}"
    )
    parser.add_argument(
        "--rate",
        type=whole(most=MOST_REQUESTS_PER_SECOND),
        default=20,
        help=f"requests a second, 1 to {MOST_REQUESTS_PER_SECOND}",
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Send the traffic."""
    print(
        f"Sending {arguments.rate} requests a second to {settings.front}/ for "
        f"{arguments.seconds} s ...",
        flush=True,
    )
    traffic = Traffic(f"{settings.front}/", rate=arguments.rate, seconds=arguments.seconds)
    with traffic:
        result = traffic.wait()
    pools = ", ".join(f"{pool} {count}" for pool, count in sorted(result.answered_by.items()))
    print(
        f"{result.sent} sent, {result.failed} failed, slowest {result.slowest_seconds:.2f} s; "
        f"answered by: {pools}"
    )
    for reason, count in result.reasons.items():
        print(f"  {count} x {reason}")
    return 1 if result.failed or not result.sent else 0
