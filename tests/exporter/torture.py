"""The torture run: the real process, kill -9 at any moment, every kind of rotation, exact counters.

A writer writes Teal lines at full speed and rotates the log; a killer kills and restarts the
exporter, also right after its start; a scraper scrapes as Prometheus does. At the end the counters
are compared with the account that the writer kept. What copytruncate destroys between copy and cut
nobody can count, so the writer pauses there.
"""

import gzip
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests
from loglines import FORMAT_FILE, START, line
from prometheus_client.parser import text_string_to_metric_families

SOURCE = Path(__file__).parents[2] / "exporter" / "src"
PROMETHEUS = {"X-Prometheus-Scrape-Timeout-Seconds": "5"}
START_SECONDS = 20.0
CATCH_UP_SECONDS = 60.0
# Lines of one write; as nginx writes with `buffer=`.
BATCH = 50
METHODS = ("GET", "POST", "PUT", "DELETE")
STATUSES = ("200", "204", "301", "404", "500", "503")
KINDS = ("rename", "gap", "copytruncate", "twice", "compress")


@dataclass
class Report:
    """What happened, and what is wrong: nothing, if all is well."""

    kills: int = 0
    scrapes: int = 0
    lines: int = 0
    seconds: float = 0.0
    rotations: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.rotations.items()))
        return "\n".join(
            (
                f"{self.lines} lines in {self.seconds:.0f} s",
                f"{self.kills} kills, {self.scrapes} scrapes",
                f"rotations: {kinds}",
                *(self.differences or ["every line counted once, nothing scraped ever fell"]),
            )
        )


def torture(kills: int, seed: int, folder: Path) -> Report:
    """Kill the exporter that often while its log is written and rotated in an empty folder."""
    began = time.monotonic()
    report = Report()
    chance = random.Random(seed)
    writer = Writer(folder / "access.log", random.Random(seed + 1), report)
    exporter = Exporter(folder, report)
    # Before its first snapshot an exporter has no place to go on from.
    writer.write()
    try:
        exporter.start()
        exporter.wait_for(writer.lines)
        writer.start()
        for _ in range(kills):
            _wait(chance.choice((0.0, 0.05, 0.2, 0.5)) * chance.random())
            exporter.kill()
            exporter.start(wait=chance.random() < 0.7)
            if chance.random() < 0.5:
                exporter.scrape()
            writer.check()
            if chance.random() < 0.05:
                _delete_when_all_is_counted(writer, exporter)
        writer.stop()
        exporter.start(wait=True, again=False)
        exporter.wait_for(writer.lines)
        report.differences += _differences(writer.expected, exporter.scrape(true=True))
    finally:
        writer.stop()
        exporter.kill(counts=False)
    report.lines = writer.lines
    report.seconds = time.monotonic() - began
    return report


class Writer:
    """Nginx and logrotate in one: writes and rotates until it is stopped."""

    def __init__(self, log: Path, chance: random.Random, report: Report) -> None:
        self.lines = 0
        # By method and status; bytes sent under ("bytes",).
        self.expected: Counter[tuple[str, ...]] = Counter()
        self._log = log
        self._chance = chance
        self._report = report
        self._file = log.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer")
        self._templates = [
            (method, status, size, line(
                request_method=method, status=status, bytes_sent=size,
                msec="@msec", request_id="@id",
            ))
            for method in METHODS
            for status in STATUSES
            for size in (0, 17, 4711)
        ]  # fmt: skip

    def start(self) -> None:
        """Write and rotate in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current batch, then check."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._file.close()

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._error:
            raise self._error

    def paused(self) -> threading.Lock:
        """Hold this and nothing is written."""
        return self._lock

    def write(self, file: object = None) -> None:
        """Write one batch, in one piece as nginx does."""
        batch = []
        for method, status, size, template in self._chance.choices(self._templates, k=BATCH):
            moment = f"{START + self.lines / 1000:.3f}".encode()
            batch.append(template.replace(b"@msec", moment).replace(b"@id", b"%032x" % self.lines))
            self.expected[method, status] += 1
            self.expected["bytes",] += size
            self.lines += 1
        (file or self._file).write(b"".join(batch))

    def delete(self) -> None:
        """Delete the log and create it anew."""
        self._log.unlink()
        self._reopen()
        self.write()
        self._report.rotations["delete"] += 1

    def _run(self) -> None:
        try:
            rotate_at = time.monotonic()
            while not self._stop.is_set():
                with self._lock:
                    self.write()
                    if time.monotonic() >= rotate_at:
                        self._rotate(self._chance.choice(KINDS))
                        rotate_at = time.monotonic() + self._chance.choice((0.05, 0.3, 1.5))
                # About 10,000 lines a second.
                self._stop.wait(BATCH / 10_000)
        except BaseException as error:  # noqa: BLE001 - told by check()
            self._error = error

    def _rotate(self, kind: str) -> None:
        getattr(self, f"_{kind}")()
        self._report.rotations[kind] += 1

    def _rename(self) -> None:
        self._make_room()
        self._log.rename(f"{self._log}.1")
        old = self._file
        self._file = self._log.open("ab", buffering=0)
        self.write()
        # A worker that is slower than the others.
        self.write(old)
        old.close()

    def _gap(self) -> None:
        self._make_room()
        self._log.rename(f"{self._log}.1")
        for _ in range(self._chance.randrange(5)):
            self.write()
            self._stop.wait(0.01)
        self._reopen()

    def _copytruncate(self) -> None:
        self._make_room()
        shutil.copy2(self._log, f"{self._log}.1")
        os.truncate(self._log, 0)

    def _twice(self) -> None:
        for _ in range(2):
            self._rename()

    def _compress(self) -> None:
        """Compress all rotated files but the newest, as `delaycompress` does."""
        self._rename()
        for path in self._rotated():
            if path.suffix != ".gz" and path.name != f"{self._log.name}.1":
                packed = path.with_name(path.name + ".gz")
                with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as file:
                    shutil.copyfileobj(plain, file)
                shutil.copystat(path, packed)
                path.unlink()

    def _make_room(self) -> None:
        """Rename .1 to .2 and so on, the oldest first."""
        for path in self._rotated():
            number, _, packed = path.name.removeprefix(f"{self._log.name}.").partition(".")
            new = f"{self._log}.{int(number) + 1}"
            path.rename(f"{new}.{packed}" if packed else new)

    def _rotated(self) -> list[Path]:
        found = self._log.parent.glob(f"{self._log.name}.*")
        return sorted(found, key=lambda path: -int(path.name.split(".")[2]))

    def _reopen(self) -> None:
        self._file.close()
        self._file = self._log.open("ab", buffering=0)


class Exporter:
    """The process under torture."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report
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
            self._report.kills += counts

    def scrape(self, *, true: bool = False) -> dict[tuple[str, ...], float]:
        """Scrape; what only grows must not have fallen. `true`: the numbers a person gets."""
        self._wait_until_it_serves()
        headers = {} if true else PROMETHEUS
        text = requests.get(f"{self._url}/metrics", headers=headers, timeout=START_SECONDS).text
        found: dict[tuple[str, ...], float] = {}
        for family in text_string_to_metric_families(text):
            if family.type not in ("counter", "histogram") or _is_of_process(family.name):
                continue
            for sample in family.samples:
                key = sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))
                found[key] = sample.value
        if not true:
            self._report.scrapes += 1
            for key, value in found.items():
                if value < self._scraped.get(key, 0):
                    self._report.differences.append(
                        f"{key} fell from {self._scraped[key]:g} to {value:g}"
                    )
            self._scraped |= found
        return found

    def wait_for(self, lines: int) -> None:
        """Wait until so many lines are counted, or the limit is over."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while _total(self.scrape(true=True), LINES) < lines and time.monotonic() < deadline:
            _wait(0.1)

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
                _wait(0.02)


# Private

LINES = "nginxlog_exporter_lines_total"


def _delete_when_all_is_counted(writer: Writer, exporter: Exporter) -> None:
    """Delete the log; nothing is lost if it was counted, and the new file begun, before."""
    with writer.paused():
        exporter.wait_for(writer.lines)
        writer.delete()
        exporter.wait_for(writer.lines)


def _differences(
    expected: Counter[tuple[str, ...]], found: dict[tuple[str, ...], float]
) -> list[str]:
    counted: Counter[tuple[str, ...]] = Counter()
    for key, value in found.items():
        labels = dict(label.split("=", 1) for label in key[1:])
        if key[0] == "nginxlog_http_requests_total" and value:
            counted[labels["method"], labels["status"]] += int(value)
        elif key[0] == "nginxlog_http_response_bytes_total":
            counted["bytes",] += int(value)
    differences = [
        f"{' '.join(key)}: {expected[key]} written, {counted[key]} counted"
        for key in expected.keys() | counted.keys()
        if expected[key] != counted[key]
    ]
    for name in ("nginxlog_exporter_gaps_total", "nginxlog_exporter_unparsed_lines_total"):
        differences += [f"{name} is {_total(found, name):g}"] if _total(found, name) else []
    return differences


def _total(found: dict[tuple[str, ...], float], name: str) -> float:
    return sum(value for key, value in found.items() if key[0] == name)


def _is_of_process(name: str) -> bool:
    return name.startswith(("nginxlog_exporter_state", "process_"))


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
