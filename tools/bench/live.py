"""A running exporter on a free port of 127.0.0.1, and what /proc and its scrapes say of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tools.bench.contenders import POOLS
from tools.bench.exposition import value
from tools.bench.formats import FORMATS, ROOT, TEAL
from tools.bench.process import FailedError, peak_bytes

START_SECONDS = 30.0
SCRAPE_SECONDS = 10.0
# As Prometheus asks.
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """An exporter that follows `log`, which need not exist yet."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self._url = url
        self._session = requests.Session()
        self.pid = process.pid

    def scrape(self) -> tuple[str, float]:
        """Return the metrics and how many seconds they took. Raises requests.RequestException."""
        began = time.monotonic()
        answer = self._session.get(self._url, headers=HEADERS, timeout=SCRAPE_SECONDS)
        took = time.monotonic() - began
        answer.raise_for_status()
        return answer.text, took

    def lines(self) -> int:
        """Return how many lines are counted and shown, parsed or not."""
        return int(value(self.scrape()[0], "nginxlog_exporter_lines_total"))

    def wait_for_lines(self, lines: int, *, seconds: float) -> None:
        """Wait until so many lines are counted. Raises FailedError."""
        deadline = time.monotonic() + seconds
        while self.lines() < lines:
            if time.monotonic() > deadline:
                raise FailedError(f"{lines:,} lines were not counted within {seconds:g} s")
            time.sleep(0.05)

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        return cpu_seconds(self.pid)

    def peak_bytes(self) -> int:
        """Return the highest resident size so far."""
        return peak_bytes(self.pid)

    def is_up(self) -> bool:
        """Tell whether it answers. Raises FailedError if it has ended."""
        if self._process.poll() is not None:
            raise FailedError(f"the exporter ended with {self._process.returncode}")
        try:
            self._session.get(self._url, timeout=SCRAPE_SECONDS)
        except requests.ConnectionError:
            return False
        return True


@contextmanager
def running(log: Path, folder: Path) -> Iterator[Running]:
    """Start an exporter with the settings of Teal; stop it at the end. Raises FailedError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with (folder / "exporter.log").open("wb") as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "nginxlog_exporter"],
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(ROOT / "exporter" / "src"),
                "NGINXLOG_FILE": str(log),
                "NGINXLOG_FORMAT": FORMATS[TEAL].setting,
                "NGINXLOG_POOLS": POOLS,
                "NGINXLOG_STATE_FILE": str(folder / "state.json"),
                "NGINXLOG_LISTEN": address,
            },
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
        )
    try:
        exporter = Running(process, f"http://{address}/metrics")
        deadline = time.monotonic() + START_SECONDS
        while not exporter.is_up():
            if time.monotonic() > deadline:
                raise FailedError("the exporter does not answer")
            time.sleep(0.05)
        yield exporter
    finally:
        process.terminate()
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process so far, 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
