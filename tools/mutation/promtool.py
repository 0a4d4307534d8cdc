"""promtool of both Prometheus versions that the rules must run on, and its unit tests."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from teal import debian
from teal.bootstrap import HOME, ROOT
from teal.stack import servers

RULES = ROOT / "prometheus" / "rules"
TESTS = ROOT / "tests" / "rules"
LIMIT_SECONDS = 300


class Promtool(NamedTuple):
    """One promtool."""

    path: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, limit: float = LIMIT_SECONDS) -> tuple[bool, str]:
        """Return whether it was content, and what it said. Raises subprocess.TimeoutExpired."""
        done = subprocess.run(
            [self.path, *arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=limit,
        )
        return done.returncode == 0, done.stdout

    def test(self, files: Sequence[Path], limit: float = LIMIT_SECONDS) -> tuple[bool, str]:
        """Run unit tests of rules."""
        return self.run("test", "rules", *files, limit=limit)


def oldest() -> Promtool:
    """Return the one that Teal itself uses: Debian 12's 2.42, unless the system has its own.

    Raises debian.UnavailableError.
    """
    path = servers.find("promtool")
    if path is None:
        raise debian.UnavailableError("promtool is missing: make check fetches it")
    return Promtool(path, {})


def newest() -> Promtool:
    """Return that of Debian sid (3.5 when this was written). Raises debian.UnavailableError."""
    program = debian.fetch("promtool", ["promtool"], "sid", HOME / "promtool")
    return Promtool(program.path, program.environment)


def rule_tests() -> list[Path]:
    """Return the files of unit tests."""
    return sorted(TESTS.glob("*.yml"))
