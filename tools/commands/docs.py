"""Write docs/metrics.md from the exporter's code; --check only compares."""

import argparse
import os
import subprocess
import sys

from teal.bootstrap import ROOT
from teal.settings import Settings

PAGE = ROOT / "docs" / "metrics.md"
LIMIT_SECONDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make docs` takes."""
    parser.add_argument("--check", action="store_true", help="fail where the page is out of date")


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Write or compare."""
    text = _page()
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    if arguments.check:
        print(f"{PAGE.relative_to(ROOT)} is out of date: make docs")
        return 1
    PAGE.write_text(text)
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


# Private


def _page() -> str:
    # The exporter is a program of its own: it is asked, not imported.
    return subprocess.run(
        [sys.executable, "-m", "nginxlog_exporter.metrics.reference"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "exporter" / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=LIMIT_SECONDS,
    ).stdout
