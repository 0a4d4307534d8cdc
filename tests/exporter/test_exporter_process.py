"""The real process: it serves, survives kill -9 with exact counters, and stops in time."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from loglines import FORMAT_FILE, numbered
from prometheus_client.parser import text_string_to_metric_families

SOURCE = Path(__file__).parents[2] / "exporter" / "src"
LIMIT_SECONDS = 10.0


class Exporter:
    """`python -m nginxlog_exporter` for a log in a folder, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "access.log"
        self._folder = folder
        self._messages = folder / "messages"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says where it listens and is ready."""
        with self._messages.open("wb") as messages:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nginxlog_exporter"],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(SOURCE),
                    "NGINXLOG_FILE": str(self.log),
                    "NGINXLOG_FORMAT_FILE": str(FORMAT_FILE),
                    "NGINXLOG_STATE_FILE": str(self._folder / "state.json"),
                    "NGINXLOG_LISTEN": "127.0.0.1:0",
                    "NGINXLOG_POOLS": "blue=*:8081,green=*:8082",
                    "NGINXLOG_POLL_SECONDS": "0.02",
                },
                stderr=messages,
            )
        address = re.compile(r"-> (http://\S+)/")
        wait_for(lambda: address.search(self.messages()), "the address it listens at")
        self._url = address.search(self.messages())[1]  # type: ignore[index]
        wait_for(self._is_ready, "readiness")

    def kill(self) -> None:
        """Kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)

    def stop(self) -> int:
        """Ask it to stop; return the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(5)

    def messages(self) -> str:
        """Return what it wrote to stderr."""
        return self._messages.read_text()

    def counted(self, *, by_prometheus: bool = True) -> int:
        """Scrape; return the number of responses counted."""
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "5"} if by_prometheus else {}
        answer = requests.get(f"{self._url}/metrics", headers=headers, timeout=5)
        families = text_string_to_metric_families(answer.text)
        return int(
            sum(
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == "nginxlog_http_responses_total"
            )
        )

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False


def wait_for(happened: Callable[[], object], what: str) -> None:
    """Wait until it is true. Fails after the limit, saying what was waited for."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited {LIMIT_SECONDS:g} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """Provide an exporter that is not started yet, and end it after the test."""
    one = Exporter(tmp_path)
    yield one
    if one.process and one.process.poll() is None:
        one.kill()


def append(exporter: Exporter, *lines: bytes) -> None:
    """Write to the log as nginx does."""
    with exporter.log.open("ab") as log:
        log.write(b"".join(lines))


def test_counters_are_exact_after_kill_nine(exporter: Exporter) -> None:
    """Nothing lost, nothing doubled, never below what was scraped, however often it is killed."""
    exporter.start()
    written, seen = 0, 0
    for round_ in range(4):
        append(exporter, *numbered(500, first=written))
        written += 500
        if round_ % 2:
            wait_for(lambda least=seen: exporter.counted() > least, "the new lines to be counted")
            seen = exporter.counted()
        exporter.kill()
        exporter.start()
        assert exporter.counted() >= seen
    wait_for(lambda: exporter.counted() >= written, f"{written} requests")

    assert exporter.counted() == written


def test_a_stop_reads_to_the_end_and_saves(exporter: Exporter) -> None:
    """SIGTERM ends it within five seconds with exit code 0, and the last lines are counted."""
    exporter.start()
    append(exporter, *numbered(300))
    assert exporter.stop() == 0
    exporter.log.unlink()
    exporter.start()

    assert exporter.counted(by_prometheus=False) == 300


def test_a_port_in_use_is_one_clear_line(exporter: Exporter) -> None:
    """No traceback, exit code 1."""
    exporter.start()
    port = exporter._url.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "nginxlog_exporter", "--listen", f"127.0.0.1:{port}"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "NGINXLOG_FILE": str(exporter.log),
            "NGINXLOG_FORMAT_FILE": str(FORMAT_FILE),
            "NGINXLOG_STATE_FILE": str(exporter.log.with_name("second.json")),
        },
        capture_output=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )

    assert second.returncode == 1
    assert b"Traceback" not in second.stderr
    assert f"127.0.0.1:{port}".encode() in second.stderr
