"""Measure the time from a fault to its message over many failovers, and where it goes.

Breaks the active pool again and again, RUNS times; each time takes half a minute.
"""

import argparse
import dataclasses
import statistics

from teal import table
from teal.arguments import whole
from teal.choose import choose
from teal.drills.engine import run as run_drill
from teal.drills.faults import Faults
from teal.drills.scenarios import MODES, Scenario
from teal.drills.timeline import Event, Events
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings

# The stations of the way, in order: what was seen, and what the time up to it is called.
STATIONS = (
    (Event.RETRIED, "fault -> log"),
    (Event.MOVED, "log -> scrape"),
    (Event.FIRING, "scrape -> rule"),
    (Event.MESSAGE, "rule -> Slack"),
)
# What 95 % of the failovers are to be told within, in seconds.
WANTED_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make latency` takes."""
    parser.add_argument("--runs", type=whole(), default=20)
    parser.add_argument(
        "--mode", choices=[m for m in MODES if MODES[m].moves_traffic], default="crash"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure."""
    runtime = choose(settings)
    if settings.uses_real_slack:
        raise RuntimeFailedError("messages go to real Slack: these drills would call people")
    if "nginx" not in runtime.running():
        raise RuntimeFailedError("nothing runs; start it with: make up")
    # The fault ends as soon as it is told.
    scenario = dataclasses.replace(MODES[arguments.mode], stays=0)
    runs = []
    for number in range(arguments.runs):
        events = _one_failover(scenario, Faults(settings, runtime))
        runs.append(events)
        print(f"run {number + 1} of {arguments.runs}: {_took(events):.1f} s", flush=True)
    print("\n" + table.render(["", "median", "95 %", "longest"], _rows(runs)))
    share = sum(_took(events) <= WANTED_SECONDS for events in runs) / len(runs)
    print(f"\n{share:.0%} within {WANTED_SECONDS:g} s (wanted: 95 %)")
    return 0


# Private


def _one_failover(scenario: Scenario, faults: Faults) -> Events:
    """Break the pool, wait for the message, end the fault, wait for its end; return the times."""
    events = run_drill(scenario, faults, watched=True).seen.events
    if Event.MESSAGE not in events:
        raise WaitedTooLongError("no message came; see make chaos")
    return events


def _took(events: Events) -> float:
    return events[Event.MESSAGE] - events[Event.FAULT]


def _rows(runs: list[Events]) -> list[list[str]]:
    rows = []
    before = Event.FAULT
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
