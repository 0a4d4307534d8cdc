"""Write the lock files anew: every Python package by name, version and hash. Needs the network."""

import argparse
import subprocess
import sys

from teal.bootstrap import ROOT
from teal.settings import Settings

LIMIT_SECONDS = 300

# lock file: what it is made from
LOCKS = {
    "apps/requirements.txt": ["apps/requirements.in"],
    "exporter/requirements.txt": ["exporter/pyproject.toml"],
    "requirements.txt": ["requirements.in", "apps/requirements.in", "exporter/pyproject.toml"],
    "requirements-dev.txt": ["requirements-dev.in"],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make lock` takes."""
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Lock."""
    for lock, sources in LOCKS.items():
        command = [
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal",
            "--generate-hashes", "--no-header", "--python-version", "3.11",
            "--output-file", lock, *(["--upgrade"] if arguments.upgrade else []), *sources,
        ]  # fmt: skip
        subprocess.run(command, cwd=ROOT, check=True, timeout=LIMIT_SECONDS)
        print(f"{lock} is up to date")
    return 0
