"""Change each threshold, window, operator and `for` of the rules, one by one: a test must notice.

Prints each change that no test noticed, with the reason (tests/rules/survivors/), and the share
that was noticed. Exits with 1 below 95 %, and for a survivor without a reason.
"""

import argparse
import sys
import time
from collections.abc import Iterable

import yaml

from teal.arguments import whole
from teal.debian import UnavailableError
from teal.settings import Settings
from tools.mutation import promtool
from tools.mutation.survival import Outcome, Trial

REASONS = promtool.TESTS / "survivors" / "reasons.yml"
WANTED = 0.95


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make mutate` takes."""
    parser.add_argument("only", nargs="*", help="alerts or recorded series; default all")
    parser.add_argument(
        "--jobs", type=whole(most=64), default=2, help="how many at a time (default 2)"
    )


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Try all mutants."""
    try:
        trial = Trial(promtool.oldest())
    except UnavailableError as error:
        print(f"teal: {error}", file=sys.stderr)
        return 1
    unknown = set(arguments.only) - {mutant.name for mutant in trial.mutants()}
    if unknown:
        print(f"teal: no rule is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    began = time.monotonic()
    controls = [m for m in trial.controls() if not arguments.only or m.name in arguments.only]
    for mutant, killed_by in trial.outcomes(controls, arguments.jobs):
        if killed_by is not None:
            print(f"teal: {mutant.name} fails in {killed_by} as it is", file=sys.stderr)
            return 1
    chosen = [m for m in trial.mutants() if not arguments.only or m.name in arguments.only]
    code = _report(trial.outcomes(chosen, arguments.jobs), len(chosen))
    print(f"({time.monotonic() - began:.0f} s)")
    return code


# Private


def _report(outcomes: Iterable[Outcome], of: int) -> int:
    reasons = {
        (one["rule"], one["change"]): one["reason"]
        for one in yaml.safe_load(REASONS.read_text()) or []
    }
    tried, killed, unexplained = 0, 0, 0
    for mutant, killed_by in outcomes:
        tried += 1
        killed += killed_by is not None
        if killed_by is None:
            reason = reasons.get((mutant.name, mutant.change))
            unexplained += reason is None
            print(f"survived: {mutant.name}\n  {mutant.change}\n  {reason or 'NO REASON GIVEN'}")
        if sys.stderr.isatty():
            print(f"\r{tried} of {of}", end="\r", file=sys.stderr, flush=True)
    score = killed / tried if tried else 1.0
    print(
        f"{killed} of {tried} changes were noticed: {score:.1%}; "
        f"{tried - killed} survived, {unexplained} of them without a reason"
    )
    return 0 if score >= WANTED and not unexplained else 1
