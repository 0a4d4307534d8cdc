"""An application as a real process on a free port, started and ended by the test that needs it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

APPS = Path(__file__).resolve().parents[2] / "apps"
LIMIT_SECONDS = 20


class Served:
    """`python -m demo` or `python -m inbox`; `url` is where it listens."""

    def __init__(self, program: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._environment = {"PORT": str(self.port), **environment}

    def __enter__(self) -> Self:
        self.process = start(self._program, self._environment)
        deadline = time.monotonic() + LIMIT_SECONDS
        while not self.answers():
            if self.process.poll() is not None:
                raise AssertionError(f"{self._program} ended: {self.process.communicate()[1]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self._program} did not answer in {LIMIT_SECONDS} s")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise

    def answers(self) -> bool:
        """Whether it answers its health check."""
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def wait_for_exit(self) -> int:
        """Return the exit status of the master, negative for a signal."""
        return self.process.wait(timeout=LIMIT_SECONDS)

    def processes(self) -> list[int]:
        """Return the ids of the master and its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]


def start(program: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start an application with nothing in its environment but what is given."""
    return subprocess.Popen(
        [sys.executable, "-m", program],
        cwd=APPS,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
