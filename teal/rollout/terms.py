"""What a renewal goes by, from the settings."""

import re

from teal.rollout.execute import Terms
from teal.settings import Settings

# Requests that take longer are left to the application's own graceful stop.
LONGEST_DRAIN_SECONDS = 10
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def of(settings: Settings) -> Terms:
    """Return the terms: READ_TIMEOUT is longer than the slowest ordinary request."""
    found = re.fullmatch(r"([0-9]+)(ms|s|m|h)", settings.read_timeout)
    slowest = int(found[1]) * _SECONDS[found[2]] if found else LONGEST_DRAIN_SECONDS
    return Terms(
        health_path=settings.health_path,
        drain_seconds=min(slowest, LONGEST_DRAIN_SECONDS),
        ready_seconds=settings.pool_start_seconds,
    )
