"""A drill with a verdict: break the active pool, watch, mend it, and judge what happened.

Sends its own traffic, prints a timeline, and exits with 1 when a promise is not kept. The fault is
taken back on Ctrl-C and on failure too.
"""

import argparse
import time

from teal import api, table
from teal.choose import choose
from teal.commands.status import collect
from teal.drills.fault import injected
from teal.drills.modes import MESSAGE_LIMIT_SECONDS, MODES, Mode
from teal.drills.quiet import is_quiet, is_soon_after_a_failover
from teal.drills.shown import shown_as_drill
from teal.drills.traffic import Traffic
from teal.drills.verdict import judge
from teal.drills.watch import Watch
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings
from teal.stack.runtime import Runtime
from teal.wait import wait_for

REQUESTS_PER_SECOND = 20
LONGEST_DRILL_SECONDS = 300
WARM_UP_LIMIT_SECONDS = 15
# A switch is told for as long as Prometheus shows it (see PoolSwitched); a failover is counted for
# 90 s (see PoolFlapping).
QUIET_LIMIT_SECONDS = 120
RECOVERY_LIMIT_SECONDS = 30
RESOLVED_LIMIT_SECONDS = 60
# A mode without a failover is watched for this long; a message would have come by then.
QUIET_SECONDS = 15
# Once the message is there the fault stays a little longer: a second message would be a defect.
LINGER_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make chaos` takes."""
    modes = "; ".join(f"{name}: the pool {mode.fault}" for name, mode in MODES.items())
    parser.add_argument("mode", nargs="?", choices=MODES, default="error", help=modes)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the drill."""
    mode = MODES[arguments.mode]
    runtime = choose(settings)
    pool = _refuse_a_bad_moment(settings, runtime)
    print(f"Drill {arguments.mode!r}: {pool}, the active pool, {mode.fault}.", flush=True)
    traffic = Traffic(f"{settings.front}/", rate=REQUESTS_PER_SECOND, seconds=LONGEST_DRILL_SECONDS)
    with Watch(settings, runtime.layout, desired=pool) as watch, traffic:
        wait_for(
            lambda: api.pools(settings).active == pool,
            what=f"traffic to show that {pool} is active",
            seconds=WARM_UP_LIMIT_SECONDS,
        )
        if is_soon_after_a_failover(settings):
            print(
                "Waiting: so soon after the failover before it would be told late, or as flapping."
            )
        wait_for(
            lambda: is_quiet(settings) and not is_soon_after_a_failover(settings),
            what="what happened before to be told, and no alert to be left (see make status)",
            seconds=QUIET_LIMIT_SECONDS,
        )
        print(f"Traffic flows ({REQUESTS_PER_SECOND} requests a second). Breaking {pool} now.")
        _break_and_mend(mode, pool, settings, runtime, watch)
    _print_timeline(watch.events)
    told = [message for message in watch.messages if message.received >= watch.events["fault"]]
    seen = None if settings.uses_real_slack else told
    verdicts = judge(mode, traffic.result, watch.events, seen)
    print(
        table.render(
            ["promise", "", "seen"],
            [[v.promise, "kept" if v.kept else "BROKEN", v.seen] for v in verdicts],
        )
    )
    if settings.uses_real_slack:
        print("Messages went to real Slack, where this drill cannot look: see for yourself.")
    passed = all(v.kept for v in verdicts)
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


# Private


def _refuse_a_bad_moment(settings: Settings, runtime: Runtime) -> str:
    """Return the active pool.

    Raises RuntimeFailedError when a drill would hurt or prove nothing.
    """
    state = collect(settings, runtime)
    if state["runtime"] is None:
        raise RuntimeFailedError("nothing runs; start it with: make up")
    desired, active = state["desired_pool"], state["active_pool"]
    broken = [part for part, health in state["parts"].items() if health != "healthy"]
    firing = [a["name"] for a in state["alerts"] or [] if a["needs_attention"]]
    reason = (
        f"{', '.join(broken)} not healthy"
        if broken
        else f"{', '.join(firing)} is firing"
        if firing
        else f"{active} serves but {desired} is desired"
        if active not in (None, desired)
        else None
    )
    if reason or desired is None:
        raise RuntimeFailedError(f"no drill now: {reason or 'no pool is desired'}; see make status")
    return str(desired)


def _break_and_mend(
    mode: Mode, pool: str, settings: Settings, runtime: Runtime, watch: Watch
) -> None:
    """Keep the fault until it has had its effect, and wait for everything to be well again.

    What does not happen in time is not an error here: the verdict says so.
    """
    watch.note("fault")
    with shown_as_drill(runtime.layout), injected(mode, pool, settings, runtime):
        if mode.fails_over:
            arrived = "alert firing" if settings.uses_real_slack else "message in Slack"
            _patiently(watch, arrived, seconds=MESSAGE_LIMIT_SECONDS * 2)
            time.sleep(LINGER_SECONDS)
        else:
            time.sleep(QUIET_SECONDS)
    watch.note("fault taken back")
    print(f"{pool} is mended. Waiting for traffic and message to follow.", flush=True)
    if mode.fails_over:
        _patiently(watch, "traffic is back", seconds=RECOVERY_LIMIT_SECONDS)
        if not settings.uses_real_slack:
            _patiently(watch, "resolved message in Slack", seconds=RESOLVED_LIMIT_SECONDS)


def _patiently(watch: Watch, event: str, *, seconds: float) -> None:
    try:
        wait_for(lambda: watch.saw(event), what=event, seconds=seconds)
    except WaitedTooLongError as error:
        print(f"  {error}")


def _print_timeline(events: dict[str, float]) -> None:
    start = events["fault"]
    rows = [
        [f"{at - start:6.1f} s", time.strftime("%H:%M:%S", time.localtime(at)), event]
        for event, at in sorted(events.items(), key=lambda item: item[1])
    ]
    print("\n" + table.render(["since fault", "time", "event"], rows) + "\n")
