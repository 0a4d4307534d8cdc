"""What happens, and what must be told of it: alerts in at a second, messages out between two more.

Each timeline is a stack of its own, so that all of them run at once on one Alertmanager with the
shipped timers. `AT` below is how late a message may be where nothing holds it back.
"""

from dataclasses import dataclass

from catalogue import ALERTS
from world import alert

# A busy machine, and the delivery itself.
AT = 3
# The routes' timers, as they are shipped.
WAIT = 5
INTERVAL, INTERVAL_POOLS = 10, 5


@dataclass(frozen=True)
class Post:
    """An alert is handed over at a second: it fires, or it has ended."""

    at: float
    name: str
    ended: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    def alert(self, stack):
        """Return it as Prometheus posts it."""
        severity, category = ALERTS.get(self.name, ("", ""))
        return alert(
            self.name, stack=stack, severity=severity, category=category, ended=self.ended,
            **dict(self.labels),
        )  # fmt: skip


@dataclass(frozen=True)
class Silence:
    """A maintenance from one second to another, as `make maintenance` makes it."""

    at: float
    until: float


@dataclass(frozen=True)
class Want:
    """A message between two seconds: its state, its alert, and how many alerts are in it."""

    earliest: float
    latest: float
    state: str
    name: str
    alerts: int = 1


def fires(at, name, **labels):
    """Return a firing alert."""
    return Post(at, name, labels=tuple(labels.items()))


def ends(at, name, **labels):
    """Return the same alert, resolved."""
    return Post(at, name, ended=True, labels=tuple(labels.items()))


def told(at, name, *, after=0, within=0, state="firing", alerts=1):
    """Return a message that `after` holds back and that `within` may hold back longer."""
    return Want(at + after - 0.5, at + max(after, within) + AT, state, name, alerts)


def resolved(at, name, within=INTERVAL, alerts=1):
    """Return a resolved message: at the group's next tick."""
    return told(at, name, within=within, state="resolved", alerts=alerts)


FAILOVER = {"from": "blue", "to": "green"}
BACK = {"from": "green", "to": "blue"}
POOLS = INTERVAL_POOLS

TIMELINES = {
    "a pool dies: its other symptoms keep quiet": (
        [
            fires(0, "PoolFailover", **FAILOVER),
            fires(1, "DesiredPoolDown", pool="blue"),
            fires(1, "StandbyPoolDown", pool="blue"),
            fires(2, "LatencyHigh", pool="green"),
            fires(2, "ReleaseRegression", pool="green", release="v2"),
            ends(12, "DesiredPoolDown", pool="blue"),
            ends(12, "StandbyPoolDown", pool="blue"),
            ends(12, "LatencyHigh", pool="green"),
            ends(12, "ReleaseRegression", pool="green", release="v2"),
            ends(13, "PoolFailover", **FAILOVER),
        ],
        [told(0, "PoolFailover"), resolved(13, "PoolFailover", POOLS)],
    ),
    "both pools die: the outage explains what comes with it": (
        [
            fires(8, "AllPoolsDown"),
            fires(9, "ErrorRatioHigh"),
            fires(9, "LastRequestsErrorRatioHigh"),
            fires(9, "PoolFailover", **FAILOVER),
            fires(9, "StandbyPoolDown", pool="green"),
            fires(9, "TrafficGone"),
            fires(9, "ErrorBudgetBurnFast"),
            ends(18, "PoolFailover", **FAILOVER),
            ends(18, "StandbyPoolDown", pool="green"),
            ends(18, "TrafficGone"),
            ends(18, "ErrorBudgetBurnFast"),
            ends(18, "ErrorRatioHigh"),
            ends(18, "LastRequestsErrorRatioHigh"),
            ends(19, "AllPoolsDown"),
        ],
        [told(8, "AllPoolsDown"), resolved(19, "AllPoolsDown", POOLS)],
    ),
    "errors are told at once": (
        [fires(0, "ErrorRatioHigh"), ends(14, "ErrorRatioHigh")],
        [told(0, "ErrorRatioHigh"), resolved(14, "ErrorRatioHigh", POOLS)],
    ),
    "a bad release says more than its errors": (
        [
            fires(0, "ReleaseRegression", pool="green", release="v2"),
            fires(3, "ErrorRatioHigh"),
            ends(15, "ErrorRatioHigh"),
            ends(16, "ReleaseRegression", pool="green", release="v2"),
        ],
        [told(0, "ReleaseRegression", after=WAIT), resolved(16, "ReleaseRegression")],
    ),
    "a warning waits a little": (
        [fires(0, "StandbyPoolDown", pool="green"), ends(8, "StandbyPoolDown", pool="green")],
        [told(0, "StandbyPoolDown", after=WAIT), resolved(8, "StandbyPoolDown")],
    ),
    "what is over before it was told is not told": (
        [fires(0, "StandbyPoolDown", pool="green"), ends(2, "StandbyPoolDown", pool="green")],
        [],
    ),
    "what Prometheus repeats is told once": (
        [
            *[fires(second, "PoolFailover", **FAILOVER) for second in range(8)],
            *[ends(second, "PoolFailover", **FAILOVER) for second in range(8, 24, 3)],
        ],
        [told(0, "PoolFailover"), resolved(8, "PoolFailover", POOLS)],
    ),
    "what comes back is told again": (
        [
            fires(0, "PoolFailover", **FAILOVER),
            ends(2, "PoolFailover", **FAILOVER),
            fires(14, "PoolFailover", **FAILOVER),
            ends(16, "PoolFailover", **FAILOVER),
        ],
        [
            told(0, "PoolFailover"),
            resolved(2, "PoolFailover", POOLS),
            told(14, "PoolFailover", within=POOLS),
            resolved(16, "PoolFailover", 2 * POOLS),
        ],
    ),
    "two directions are two messages": (
        [
            fires(0, "PoolFailover", **FAILOVER),
            fires(3, "PoolFailover", **BACK),
            ends(3, "PoolFailover", **FAILOVER),
        ],
        [
            told(0, "PoolFailover"),
            told(3, "PoolFailover"),
            resolved(3, "PoolFailover", POOLS),
        ],
    ),
    "twelve targets are one message": (
        [fires(0, "TargetDown", job="x", instance=f"i{n}") for n in range(12)],
        [told(0, "TargetDown", after=WAIT, alerts=12)],
    ),
    "one more target is told with the first": (
        [
            fires(0, "TargetDown", job="x", instance="a"),
            fires(7, "TargetDown", job="x", instance="b"),
        ],
        [
            told(0, "TargetDown", after=WAIT),
            told(7, "TargetDown", within=WAIT + INTERVAL, alerts=2),
        ],
    ),
    # The failover ends while it is inhibited; that is told afterwards (0.33), at the latest when
    # Prometheus repeats it (0.25).
    "flapping: one message instead of many": (
        [
            fires(0, "PoolFailover", **FAILOVER),
            fires(4, "PoolFlapping"),
            ends(5, "PoolFailover", **FAILOVER),
            fires(7, "PoolFailover", **FAILOVER),
            fires(7, "StandbyPoolDown", pool="blue"),
            ends(9, "StandbyPoolDown", pool="blue"),
            ends(9, "PoolFailover", **FAILOVER),
            ends(12, "PoolFlapping"),
            ends(14, "PoolFailover", **FAILOVER),
        ],
        [
            told(0, "PoolFailover"),
            told(4, "PoolFlapping"),
            resolved(12, "PoolFlapping", POOLS),
            resolved(12, "PoolFailover", 2 + POOLS),
        ],
    ),
    "information is told once": (
        [fires(0, "PoolSwitched", **FAILOVER), ends(8, "PoolSwitched", **FAILOVER)],
        [told(0, "PoolSwitched", after=WAIT, state="info")],
    ),
    "a switch that was a failover is none": (
        [fires(0, "PoolSwitched", **BACK), fires(1, "PoolFailover", **FAILOVER)],
        [told(1, "PoolFailover")],
    ),
    "maintenance: telemetry stays loud, and what is still wrong at its end is told": (
        [
            Silence(0, 16),
            fires(1, "StandbyPoolDown", pool="green"),
            fires(1, "PoolFailover", **FAILOVER),
            fires(1, "ExporterDown"),
            ends(8, "PoolFailover", **FAILOVER),
        ],
        [
            told(1, "ExporterDown", after=WAIT),
            told(16, "StandbyPoolDown", within=INTERVAL),
        ],
    ),
    "without the exporter its log cannot be judged": (
        [
            fires(0, "LogUnreadable", file="access.log"),
            fires(2, "ExporterDown"),
            fires(3, "TrafficGone"),
            fires(3, "LogStalled", file="access.log"),
        ],
        [told(2, "ExporterDown", after=WAIT)],
    ),
    "nginx is killed": (
        [fires(0, "FrontDoorDown"), fires(1, "TrafficGone"), ends(9, "FrontDoorDown"),
         ends(8, "TrafficGone")],
        [told(0, "FrontDoorDown"), resolved(9, "FrontDoorDown", POOLS)],
    ),
    "the fast burn speaks for the slow one": (
        [fires(0, "ErrorBudgetBurnFast"), fires(0, "ErrorBudgetBurnSlow")],
        [told(0, "ErrorBudgetBurnFast", after=30)],
    ),
    "someone's own alert is told as well": (
        [fires(0, "Anything")],
        [told(0, "Anything", after=WAIT, state="info")],
    ),
    "the Watchdog is not for Slack": ([fires(0, "Watchdog")], []),
}  # fmt: skip
