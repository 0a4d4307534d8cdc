"""The steady state: all that was before is resolved, so what comes next is news of the drill."""

import time

from teal.clients import Clients

# From a change of pool to the evaluation that sees it, a scrape later.
SEEN_SECONDS = 5
# One failover and its return, not two: with those of the next one it would be PoolFlapping.
NEAR_FLAPPING = "stack:nginxlog_pool_changes_unplanned:increase90s >= 3"

# Alertmanager keeps the group of a failover for up to 30 s after its end was told (it looks for
# empty groups that often), and what happens anew in it waits for the group's interval: 5 s more.
FAILOVER_IS_HELD = (
    'present_over_time(ALERTS{alertname=~"PoolFailover|AllPoolsDown",alertstate="firing"}[40s])'
)


def nothing_fires(clients: Clients) -> bool:
    """Whether no alert is pending or firing, and no change of pool is too young to have raised one.

    A planned switch, too, is notified: its message must not be taken for the drill's.
    """
    changed = clients.exporter.metric("nginxlog_pool_last_change_timestamp_seconds") or 0
    return time.time() - changed > SEEN_SECONDS and not clients.prometheus.alerts()


def all_is_resolved(clients: Clients) -> bool:
    """Whether nothing fires, and each message that something fires was followed by its end.

    An alert that comes back before that is no news to Alertmanager. Needs the local inbox.
    """
    latest = {message.footer: message.state for message in clients.inbox.messages()}
    return nothing_fires(clients) and "firing" not in latest.values()


def is_steady(clients: Clients, *, sees_messages: bool) -> bool:
    """Whether the next failover would be notified as what it is, and as nothing else.

    `sees_messages`: whether messages go to the local inbox, where one can look.
    """
    is_over = all_is_resolved if sees_messages else nothing_fires
    return is_over(clients) and why_late(clients) is None


def why_late(clients: Clients) -> str | None:
    """Return why the next failover would be notified late or wrongly; None where it would not."""
    if clients.alertmanager.speaks_in():
        return "Alertmanager has just started, and tells nothing yet"
    if is_soon_after_a_failover(clients):
        return "so soon after the failover before it would be told late, or as flapping"
    return None


def is_soon_after_a_failover(clients: Clients) -> bool:
    """Whether the next failover would be notified late, or it and its return as PoolFlapping."""
    return bool(clients.prometheus.query(f"{NEAR_FLAPPING} or {FAILOVER_IS_HELD}"))
