"""Docker tests need an engine with Compose; without one they are skipped, in CI they fail."""

import subprocess

import pytest
from fix_stack import cannot_run

from teal.choose import docker_answers


@pytest.fixture(scope="session", autouse=True)
def engine():
    """Make sure that a Docker engine answers."""
    if not docker_answers():
        cannot_run("no Docker engine with Compose v2 answers")


@pytest.fixture(scope="session")
def docker():
    """Return a function that runs a docker command and returns what it printed."""

    def run(*arguments, limit=120):
        return subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=True, timeout=limit
        ).stdout

    return run
