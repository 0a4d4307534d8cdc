"""Kill the exporter at random while its log is written and rotated, and compare its counters.

Uses processes and a folder of its own; nothing of a running Teal is touched. Exits with 1 if a line
was lost or counted twice, or if a counter that was scraped ever fell.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile

from teal.arguments import whole
from teal.bootstrap import ROOT
from teal.settings import Settings

TORTURE = ROOT / "tests" / "exporter" / "torture.py"


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
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}: SEED={seed} repeats this course", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # It drives the exporter as its tests do, and lives with them.
        return subprocess.run(
            [sys.executable, str(TORTURE), str(arguments.kills), str(seed), folder],
            env={**os.environ, "PYTHONPATH": str(ROOT / "exporter" / "src")},
            check=False,
        ).returncode
