"""Whether all that happened before has been told: what is told next is then news of the drill."""

import time

from teal import api
from teal.settings import Settings

# From a change of pool to the evaluation that sees it, a scrape later.
SEEN_SECONDS = 5
# One failover and its return, not two: with those of the next one it would be PoolFlapping.
NEAR_FLAPPING = "stack:nginxlog_pool_changes_unplanned:increase90s >= 3"

# Alertmanager keeps the group of a failover for up to 30 s after its end was told (it looks for
# empty groups that often), and what happens anew in it waits for the group's interval: 5 s more.
FAILOVER_IS_HELD = (
    'present_over_time(ALERTS{alertname=~"PoolFailover|AllPoolsDown",alertstate="firing"}[40s])'
)


def is_quiet(settings: Settings) -> bool:
    """Whether no alert is pending or firing, and no change of pool is too young to have raised one.

    A planned switch, too, is told: its message must not be taken for the drill's.
    """
    changed = api.scraped(settings, "exporter", "nginxlog_pool_last_change_timestamp_seconds") or 0
    return time.time() - changed > SEEN_SECONDS and not api.alerts(settings)


def all_is_told(settings: Settings) -> bool:
    """Whether it is quiet, and each message that something fires was followed by its end.

    An alert that comes back before that is no news to Alertmanager. Needs the local inbox.
    """
    latest = {message.footer: message.state for message in api.messages(settings)}
    return is_quiet(settings) and "firing" not in latest.values()


def is_calm(settings: Settings) -> bool:
    """Whether the next failover would be told as what it is, and as nothing else."""
    return all_is_told(settings) and not is_soon_after_a_failover(settings)


def is_soon_after_a_failover(settings: Settings) -> bool:
    """Whether the next failover would be told late, or it and its return as PoolFlapping."""
    return bool(api.query(settings, f"{NEAR_FLAPPING} or {FAILOVER_IS_HELD}"))
