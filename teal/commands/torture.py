"""Kill the exporter at random while its log is written and rotated, and compare its counters.

Uses processes and a folder of its own; nothing of a running Teal is touched. Exits with 1 if a line
was lost or counted twice, or if a counter that was scraped ever fell.
"""

import argparse
import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from teal.arguments import whole
from teal.bootstrap import ROOT
from teal.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make torture` takes."""
    parser.add_argument(
        "--kills", type=whole(), default=200, help="how often to kill (default 200)"
    )
    parser.add_argument(
        "--seed",
        type=whole(least=0),
        help="repeat the course of a run that printed it (default: another one)",
    )


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Torture it."""
    # It drives the exporter as its tests do, with their lines.
    sys.path[:0] = [str(ROOT / "exporter" / "src"), str(ROOT / "tests" / "exporter")]
    torture = import_module("torture")
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}: SEED={seed} repeats this course", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = torture.torture(arguments.kills, seed, Path(folder))
    print(report)
    return 1 if report.differences else 0
