"""Change each threshold, window, operator and `for` of the rules, one by one: a test must notice.

Prints each change that no test noticed, with the reason (tests/rules/survivors/), and the share
that was noticed. Exits with 1 below 95 %, and for a survivor without a reason.
"""

import argparse
import sys
import time

import yaml

from exporter.bench.debian import UnavailableError
from teal.rules import promtool
from teal.rules.survival import Outcome, all_mutants, tried
from teal.settings import Settings

REASONS = promtool.TESTS / "survivors" / "reasons.yml"
WANTED = 0.95


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make mutate` takes."""
    parser.add_argument("only", nargs="*", help="alerts or recorded series; default all")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Try all mutants."""
    try:
        tool = promtool.oldest()
    except UnavailableError as error:
        print(f"teal: {error}", file=sys.stderr)
        return 1
    chosen = [m for m in all_mutants() if not arguments.only or m.name in arguments.only]
    began, outcomes = time.monotonic(), []
    for outcome in tried(chosen, tool, arguments.jobs):
        outcomes.append(outcome)
        if sys.stdout.isatty():
            print(f"\r{len(outcomes)} of {len(chosen)}", end="", flush=True)
    print(f"\r{len(outcomes)} changes tried in {time.monotonic() - began:.0f} s")
    return _report(outcomes)


# Private


def _report(outcomes: list[Outcome]) -> int:
    reasons = {
        (one["rule"], one["change"]): one["reason"] for one in yaml.safe_load(REASONS.read_text())
    }
    survivors = [outcome.mutant for outcome in outcomes if outcome.killed_by is None]
    unexplained = 0
    for mutant in survivors:
        reason = reasons.get((mutant.name, mutant.change))
        unexplained += reason is None
        print(f"\nsurvived: {mutant.name}\n  {mutant.change}\n  {reason or 'NO REASON GIVEN'}")
    killed = len(outcomes) - len(survivors)
    score = killed / len(outcomes) if outcomes else 1.0
    print(
        f"\n{killed} of {len(outcomes)} changes were noticed: {score:.1%}; "
        f"{len(survivors)} survived, {unexplained} of them without a reason"
    )
    return 0 if score >= WANTED and not unexplained else 1
