"""The exporter's process for the torture run: started, killed, scraped as Prometheus does."""

import os
import re
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path

import requests
from loglines import FORMAT_FILE
from prometheus_client.parser import text_string_to_metric_families

SOURCE = Path(__file__).parents[2] / "exporter" / "src"
PROMETHEUS = {"X-Prometheus-Scrape-Timeout-Seconds": "5"}
START_SECONDS = 20.0
CATCH_UP_SECONDS = 60.0
LINES = "nginxlog_exporter_lines_total"


class Exporter:
    """The process under torture."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kills = 0
        self.scrapes = 0
        # What was lower in a scrape than in one before.
        self.fallen: list[str] = []
        self.expected_gaps = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._scraped: dict[object, float] = {}

    def start(self, *, wait: bool = True, again: bool = True) -> None:
        """Start it, and wait until it serves."""
        if again or self._process is None or self._process.poll() is not None:
            self._launch()
        if wait:
            self._wait_until_it_serves()

    def kill(self, *, counts: bool = True) -> None:
        """Kill -9, this process and no other."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(START_SECONDS)
            self.kills += counts

    def scrape(self, *, true: bool = False) -> dict[tuple[str, ...], float]:
        """Scrape; what only grows must not have fallen. `true`: the numbers a person gets."""
        self._wait_until_it_serves()
        headers = {} if true else PROMETHEUS
        text = self._metrics(headers)
        found: dict[tuple[str, ...], float] = {}
        for family in text_string_to_metric_families(text):
            if family.type not in ("counter", "histogram") or _is_of_process(family.name):
                continue
            for sample in family.samples:
                key = sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))
                found[key] = sample.value
        if not true:
            self.scrapes += 1
            for key, value in found.items():
                if value < self._scraped.get(key, 0):
                    self.fallen.append(f"{key} fell from {self._scraped[key]:g} to {value:g}")
            self._scraped |= found
        return found

    def wait_for(self, lines: int) -> None:
        """Wait until so many lines are counted, or the limit is over."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while total(self.scrape(true=True), LINES) < lines and time.monotonic() < deadline:
            pause(0.1)

    def counts(self, lines: int, *, within: float) -> bool:
        """Tell whether so many lines are counted soon."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if total(self.scrape(true=True), LINES) >= lines:
                return True
            pause(0.02)
        return False

    def wait_until_it_has_read(self) -> None:
        """Wait until it has counted something; to look at its page has nothing saved."""
        self._wait_until_it_serves()
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while time.monotonic() < deadline:
            page = requests.get(f"{self._url}/", timeout=START_SECONDS).text
            if re.search(r'<td class="number">[1-9]', page):
                return
            pause(0.02)

    def _metrics(self, headers: dict[str, str]) -> str:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            answer = requests.get(f"{self._url}/metrics", headers=headers, timeout=START_SECONDS)
            # It shows nothing while what it counts may be less than what it showed before.
            if answer.status_code == HTTPStatus.OK or time.monotonic() > deadline:
                answer.raise_for_status()
                return answer.text
            pause(0.05)

    def _launch(self) -> None:
        self._url = ""
        with (self._folder / "messages").open("wb") as messages:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nginxlog_exporter"],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(SOURCE),
                    "NGINXLOG_FILE": str(self._folder / "access.log"),
                    "NGINXLOG_FORMAT_FILE": str(FORMAT_FILE),
                    "NGINXLOG_STATE_FILE": str(self._folder / "state.json"),
                    "NGINXLOG_LISTEN": "127.0.0.1:0",
                    "NGINXLOG_POLL_SECONDS": "0.02",
                },
                stderr=messages,
            )

    def _wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._url:
            said = (self._folder / "messages").read_text()
            address = re.search(r"-> (http://\S+)/", said)
            if address:
                self._url = address[1]
            elif self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the exporter does not serve: {said}")
            else:
                pause(0.02)


def total(found: dict[tuple[str, ...], float], name: str) -> float:
    """Return the sum of a metric over its labels."""
    return sum(value for key, value in found.items() if key[0] == name)


def pause(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)


# Private


def _is_of_process(name: str) -> bool:
    return name.startswith(("nginxlog_exporter_state", "process_"))
