"""Run everything that CI runs: `make check`, then all tests. Arguments go to pytest.

With arguments (for example `tests/exporter -k rotation`) only those tests run.
"""

import argparse
import subprocess
import sys

from teal import packages
from teal.bootstrap import ROOT
from teal.commands import check
from teal.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make test` takes."""
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="arguments for pytest")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Check, then test."""
    packages.fetch_missing()
    checked = 0 if arguments.pytest else check.run(settings, arguments)
    # No time limit here: each test has its own (pyproject.toml).
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments.pytest], cwd=ROOT, check=False
    ).returncode
    return checked or tested
