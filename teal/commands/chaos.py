"""A drill with a verdict: break the active pool, watch, end the fault, and judge what happened."""

import argparse
import time

from teal import table
from teal.choose import choose
from teal.drills.engine import run as run_drill
from teal.drills.faults import Faults
from teal.drills.scenarios import MODES
from teal.drills.timeline import Event, Events
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.status import Status, collect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make chaos` takes."""
    modes = "; ".join(f"{name}: the pool {mode.what}" for name, mode in MODES.items())
    parser.add_argument("mode", nargs="?", choices=MODES, default="error", help=modes)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the drill."""
    scenario = MODES[arguments.mode]
    runtime = choose(settings)
    status = collect(settings, runtime)
    if reason := _bad_moment(status):
        raise RuntimeFailedError(reason)
    print(
        f"Drill {arguments.mode!r}: {status.desired_pool}, the active pool, {scenario.what}.",
        flush=True,
    )
    outcome = run_drill(scenario, Faults(settings, runtime), watched=True, tell=_tell)
    print("\n" + table.render(["since fault", "time", "event"], _rows(outcome.seen.events)) + "\n")
    print(
        table.render(
            ["promise", "", "seen"],
            [[v.promise, "kept" if v.kept else "BROKEN", v.seen] for v in outcome.verdicts],
        )
    )
    if settings.uses_real_slack:
        print("Messages went to real Slack, where this drill cannot look: see for yourself.")
    print("FAIL" if outcome.broken else "PASS")
    return 1 if outcome.broken else 0


# Private


def _tell(line: str) -> None:
    print(line, flush=True)


def _bad_moment(status: Status) -> str | None:
    """Return why a drill would hurt or prove nothing now; None where it would not."""
    if status.runtime is None:
        return "nothing runs; start it with: make up"
    desired, active = status.desired_pool, status.active_pool
    broken = [part for part, health in status.parts.items() if health != "healthy"]
    firing = [alert.name for alert in status.alerts or [] if alert.needs_attention]
    if broken:
        reason = f"{', '.join(broken)} not healthy"
    elif firing:
        reason = f"{', '.join(firing)} is firing"
    elif active not in (None, desired):
        reason = f"{active} serves but {desired} is desired"
    elif desired is None:
        reason = "no pool is desired"
    else:
        return None
    return f"no drill now: {reason}; see make status"


def _rows(events: Events) -> list[list[str]]:
    start = events[Event.FAULT]
    return [
        [f"{at - start:6.1f} s", time.strftime("%H:%M:%S", time.localtime(at)), event]
        for event, at in sorted(events.items(), key=lambda item: item[1])
        if at >= start
    ]
