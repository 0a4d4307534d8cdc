"""A whole stack of its own for tests: the real commands, free ports, a folder that is removed."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from teal.clients import Clients
from teal.drills.steady_state import all_is_resolved
from teal.drills.traffic import Traffic
from teal.settings import SECRETS, Settings, load
from teal.stack.layout import Layout
from teal.wait import wait_for

ROOT = Path(__file__).resolve().parent.parent
COMMAND_LIMIT_SECONDS = 900
PARTS = "HTTP BLUE GREEN STATUS EXPORTER BLACKBOX PROMETHEUS ALERTMANAGER INBOX GRAFANA"
PORTS = [f"{part}_PORT" for part in PARTS.split()]


def cannot_run(reason: str) -> None:
    """Skip a test for want of a program, but never silently in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"must run in CI: {reason}")
    pytest.skip(reason)


class Stack:
    """One stack, driven by the same commands that a user types."""

    def __init__(self, runtime: str, **variables: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="teal-"))
        nothing = self.directory / "no.env"
        nothing.touch()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in SECRETS},
            "PYTHONPATH": str(ROOT),
            "TEAL_DIR": str(self.directory),
            "TEAL_ENV_FILE": str(nothing),
            "RUNTIME": runtime,
            # Compose's project: each stack its own, or one would take the other down.
            "STACK": self.directory.name.lower(),
            "HTTP_ADDR": "127.0.0.1",
            "GRAFANA": "off",
            **dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True)),
            **variables,
        }
        self.layout = Layout(self.directory / runtime)

    @property
    def settings(self) -> Settings:
        """The settings that the commands see."""
        return load(self.environment)

    @property
    def clients(self) -> Clients:
        """What can be asked of it."""
        return Clients(self.settings.url)

    def run(self, *arguments: str, code: int | None = 0) -> str:
        """Run a command of ours and return all it printed; `code` is what it must end with."""
        result = subprocess.run(
            [sys.executable, "-m", "teal", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=COMMAND_LIMIT_SECONDS,
        )
        assert code is None or result.returncode == code, result.stdout
        return result.stdout

    def get(self, path: str = "/", **options: object) -> requests.Response:
        """Ask the front door."""
        return requests.get(self.settings.front + path, timeout=15, **options)  # type: ignore[arg-type]

    def metric(self, expression: str) -> float | None:
        """Ask Prometheus for one number."""
        return self.clients.prometheus.value(expression)

    def log_lines(self) -> list[str]:
        """Return all lines of the access log, the rotated files first."""
        files = sorted(
            self.layout.log.glob("access.log*"),
            key=lambda path: -int(path.suffix[1:]) if path.suffix[1:].isdigit() else 0,
        )
        return [line for path in files for line in path.read_text().splitlines()]

    def settle(self) -> None:
        """Wait until the stack is as it was after `up`: nothing fires, all is resolved."""
        if not all_is_resolved(self.clients):
            # The errors of the test before are a smaller share of more requests.
            with Traffic(f"{self.settings.front}/", rate=200, seconds=5) as traffic:
                traffic.wait()
        wait_for(
            lambda: all_is_resolved(self.clients),
            what="all alerts and messages to resolve",
            seconds=150,
        )

    def remove(self) -> None:
        """Stop everything and remove the folder."""
        self.run("clean", "--keep-programs", code=None)
        shutil.rmtree(self.directory, ignore_errors=True)


# Below the ports that the kernel gives to outgoing connections: none of those takes one meanwhile.
FIRST_PORT, LAST_PORT = 15_000, 32_000
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses now, at any address: parts listen at 127.0.0.2 as well."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            if port not in _given:
                _given.add(port)
                ports.append(port)
    return ports


@pytest.fixture(scope="session")
def make_stack() -> Iterator[Callable[..., Stack]]:
    """Return a function that makes a stack, which is removed at the end of the session."""
    made = []

    def make(runtime: str = "local", **variables: str) -> Stack:
        made.append(Stack(runtime, **variables))
        return made[-1]

    yield make
    for stack in made:
        stack.remove()


@pytest.fixture(scope="session")
def running(make_stack: Callable[..., Stack]) -> Stack:
    """Return a stack of plain processes that is up."""
    stack = make_stack()
    stack.run("up")
    return stack


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """Return the running stack, quiet; whatever a test did to it is undone afterwards."""
    running.settle()
    yield running
    running.run("up")
    running.run("switch", "blue", code=None)
    # Traffic follows, so that what is told of the switch belongs to this test, not to the next.
    with Traffic(f"{running.settings.front}/", rate=50, seconds=1) as traffic:
        traffic.wait()
