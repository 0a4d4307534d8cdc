"""Measure the time from a fault to its message over many failovers, and where it goes.

Breaks the active pool again and again, RUNS times; each time takes half a minute.
"""

import argparse
import statistics

from teal import api, table
from teal.arguments import whole
from teal.choose import choose
from teal.drills.fault import injected
from teal.drills.modes import MODES, Mode
from teal.drills.quiet import is_calm
from teal.drills.shown import shown_as_drill
from teal.drills.traffic import Traffic
from teal.drills.watch import Watch
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack.runtime import Runtime
from teal.wait import wait_for

REQUESTS_PER_SECOND = 20
LONGEST_RUN_SECONDS = 240
MESSAGE_LIMIT_SECONDS = 30
QUIET_LIMIT_SECONDS = 120
# The stations of the way, in order: what was seen, and what the time up to it is called.
STATIONS = (
    ("first retried request", "fault -> log"),
    ("pool change seen by the exporter", "log -> scrape"),
    ("alert firing", "scrape -> rule"),
    ("message in Slack", "rule -> Slack"),
)
# What 95 % of the failovers are to be told within, in seconds.
WANTED_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make latency` takes."""
    parser.add_argument("--runs", type=whole(), default=20)
    parser.add_argument(
        "--mode", choices=[m for m in MODES if MODES[m].fails_over], default="crash"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure."""
    runtime = choose(settings)
    if settings.uses_real_slack:
        raise RuntimeFailedError("messages go to real Slack: these drills would call people")
    if "nginx" not in runtime.running():
        raise RuntimeFailedError("nothing runs; start it with: make up")
    desired = api.pools(settings).desired
    if desired is None:
        raise RuntimeFailedError("no pool is desired; see make status")
    runs = []
    for number in range(arguments.runs):
        events = _one_failover(settings, runtime, desired, MODES[arguments.mode])
        runs.append(events)
        print(f"run {number + 1} of {arguments.runs}: {_took(events):.1f} s", flush=True)
    print("\n" + table.render(["", "median", "95 %", "longest"], _rows(runs)))
    share = sum(_took(events) <= WANTED_SECONDS for events in runs) / len(runs)
    print(f"\n{share:.0%} within {WANTED_SECONDS:g} s (wanted: 95 %)")
    return 0


# Private


def _one_failover(
    settings: Settings, runtime: Runtime, desired: str, mode: Mode
) -> dict[str, float]:
    """Break the pool, wait for the message, mend it, wait until that is told; return the times."""
    traffic = Traffic(f"{settings.front}/", rate=REQUESTS_PER_SECOND, seconds=LONGEST_RUN_SECONDS)
    with traffic, Watch(settings, runtime.layout, desired=desired) as watch:
        wait_for(
            lambda: api.pools(settings).active == desired and is_calm(settings),
            what=f"traffic on {desired} and no alert (see make status)",
            seconds=QUIET_LIMIT_SECONDS,
        )
        watch.note("fault")
        with shown_as_drill(runtime.layout), injected(mode, desired, settings, runtime):
            wait_for(
                lambda: watch.saw("message in Slack"),
                what="the message",
                seconds=MESSAGE_LIMIT_SECONDS,
            )
        wait_for(
            lambda: watch.saw("resolved message in Slack"),
            what="the resolved message",
            seconds=QUIET_LIMIT_SECONDS,
        )
    return watch.events


def _took(events: dict[str, float]) -> float:
    return events["message in Slack"] - events["fault"]


def _rows(runs: list[dict[str, float]]) -> list[list[str]]:
    rows = []
    before = "fault"
    for event, name in STATIONS:
        # Each station is looked at ten times a second, so a later one may be seen first.
        parts = [max(events.get(event, events[before]) - events[before], 0.0) for events in runs]
        for events in runs:
            events.setdefault(event, events[before])
        rows.append([name, *_spread(parts)])
        before = event
    return [*rows, ["fault -> message", *_spread(list(map(_took, runs)))]]


def _spread(values: list[float]) -> list[str]:
    most = (
        statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    )
    return [f"{value:.2f} s" for value in (statistics.median(values), most, max(values))]
