"""Write the lock files anew: every Python package by name, version and hash. Needs the network."""

import argparse
import subprocess
import sys

from teal.bootstrap import ROOT
from teal.errors import SetupError
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
        _run(command, lock)
        print(f"{lock} is up to date")
    return 0


# Private


def _run(command: list[str], lock: str) -> None:
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{lock}: waited {LIMIT_SECONDS} s for the package index") from error
    if result.returncode:
        said = (result.stderr or result.stdout).strip() or f"exit {result.returncode}"
        raise SetupError(f"{lock} is left as it was; uv says:\n{said}")
