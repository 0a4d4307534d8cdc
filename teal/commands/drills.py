"""Try every fault on the running stack: the right messages, in time, once, and nothing else.

Disturbs the stack for half an hour or so; exits with 1 if a promise is not kept. Every fault is
taken back, on Ctrl-C too. `--write` keeps the table in docs/drills.md.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

from teal import table
from teal.arguments import whole
from teal.bootstrap import ROOT
from teal.choose import choose
from teal.drills.engine import Outcome
from teal.drills.engine import run as run_drill
from teal.drills.faults import Faults
from teal.drills.scenarios import SCENARIOS, Scenario
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings
from teal.status import collect

DOCUMENT = ROOT / "docs" / "drills.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make drills` takes."""
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--times", type=whole(), default=1, help="run the table so often")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)}")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the drills."""
    if arguments.write and len(set(arguments.only)) < len(SCENARIOS):
        raise RuntimeFailedError(
            f"{DOCUMENT.relative_to(ROOT)} is the table of all drills: --write without --only"
        )
    runtime = choose(settings)
    status = collect(settings, runtime)
    if status.runtime is None:
        raise RuntimeFailedError("nothing runs; start it with: make up")
    if settings.uses_real_slack:
        raise RuntimeFailedError(
            "messages go to real Slack: these drills would call people. Unset SLACK_WEBHOOK_URL"
        )
    faults = Faults(settings, runtime)
    chosen = [scenario for scenario in SCENARIOS if scenario.name in arguments.only]
    results: list[_Result] = []
    for _ in range(arguments.times):
        for scenario in chosen:
            print(f"{time.strftime('%H:%M:%S')}  {scenario.name}: {scenario.what}", flush=True)
            results.append(_try(scenario, faults))
            print("          " + "; ".join(results[-1].words()), flush=True)
    rows = _rows(results)
    print("\n" + table.render(_HEAD, rows))
    broken = [result for result in results if result.broken]
    if arguments.write and not broken:
        DOCUMENT.write_text(_document(rows), encoding="utf-8")
        print(f"\n{DOCUMENT.relative_to(ROOT)} is written.")
    print(f"\n{len(results) - len(broken)} of {len(results)} drills kept every promise.")
    print("FAIL" if broken else "PASS")
    return 1 if broken else 0


# Private

_HEAD = ["fault", "messages", "told after", "promised", "resolved after", "requests failed", ""]


@dataclass(frozen=True)
class _Result:
    """A drill's outcome, or why there is none."""

    scenario: Scenario
    outcome: Outcome | None
    broken: list[str]

    def words(self) -> list[str]:
        told = self.outcome.seen.told() if self.outcome else {}
        notified = [f"{name} after {after:.1f} s" for name, after in told.items()]
        return [*(notified or ["no message"]), *self.broken]


def _try(scenario: Scenario, faults: Faults) -> _Result:
    try:
        outcome = run_drill(scenario, faults)
    except WaitedTooLongError as error:
        return _Result(scenario, None, [str(error)])
    return _Result(scenario, outcome, [f"BROKEN {v.promise}: {v.seen}" for v in outcome.broken])


def _rows(results: list[_Result]) -> list[list[str]]:
    rows = []
    for scenario in dict.fromkeys(result.scenario for result in results):
        ours = [result for result in results if result.scenario == scenario]
        seen = [result.outcome.seen for result in ours if result.outcome]
        names = [*scenario.tells, *scenario.informs]
        told = [one.told() for one in seen]
        rows.append(
            [
                scenario.name,
                ", ".join(names) or "none",
                _seconds([one[name] for one in told for name in names if name in one]),
                f"{scenario.within:g} s" if names else "",
                _seconds([after for one in seen for after in one.resolved().values()]),
                f"{sum(one.failed for one in seen)} of {sum(one.sent for one in seen)}",
                "BROKEN" if any(result.broken for result in ours) else "kept",
            ]
        )
    return rows


def _seconds(values: list[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.1f} s"
    return f"{min(values):.1f} - {max(values):.1f} s (median {statistics.median(values):.1f})"


def _document(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in ([*_HEAD[:-1]], *(row[:-1] for row in rows))]
    lines.insert(1, "| " + " | ".join("---" for _ in _HEAD[:-1]) + " |")
    return _PREFACE.format(date=time.strftime("%Y-%m-%d")) + "\n".join([*lines, ""])


_PREFACE = """\
# Faults and messages

Written by `make drills`; do not edit. On {date} each fault was put into a running stack under
traffic. Exactly the messages in the second column arrived, each once, and once more when it was
resolved (but PoolSwitched, which informs); no other did. `told after` counts from the fault to the
message in the inbox, `resolved after` from the end of the fault.

"""
