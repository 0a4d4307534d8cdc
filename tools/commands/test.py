"""Run what every change must pass: `make check`, then all tests but the long ones.

Arguments go to pytest: with `tests/exporter -k rotation` only those tests run, long or not. The
long ones are the parts of `make test-long`.
"""

import argparse
import subprocess
import sys

from teal.bootstrap import ROOT
from teal.settings import Settings
from teal.stack import servers
from tools.commands import check

# A file is one worker's: its tests share what they started.
ON_EVERY_CORE = ("--numprocesses", "auto", "--dist", "loadfile")
ALONE = "timed or e2e or docker"
SLOWEST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make test` takes."""
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="arguments for pytest")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Check, then test."""
    servers.fetch_missing()
    if arguments.pytest:
        return _pytest(*arguments.pytest)
    # All of it, whatever fails: who mends it wants to know of everything.
    return max(
        check.run(settings, arguments),
        # Side by side, but for those that are judged by the clock or run a whole stack.
        _pytest("-m", f"not (long or {ALONE})", *ON_EVERY_CORE),
        _pytest("-m", f"({ALONE}) and not long", f"--durations={SLOWEST}"),
    )


# Private


def _pytest(*arguments: str) -> int:
    # No time limit here: each test has its own (pyproject.toml).
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False
    ).returncode
