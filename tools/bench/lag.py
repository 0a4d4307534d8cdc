"""How far a running exporter is behind a log that grows fast."""

import statistics
import threading
import time
from bisect import bisect_right
from pathlib import Path

from tools.bench import generate
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, TEAL
from tools.bench.live import running

RATE = 20_000
TURN_SECONDS = 0.01
LOOK_SECONDS = 0.25
MOST_SECONDS = 1.0


def measure(folder: Path, *, seconds: float) -> list[Figure]:
    """Write at RATE for so long and compare what is shown with what is written.

    Lag is the age of the oldest line that a scrape does not show, though it was written before the
    scrape was asked for. Raises FailedError.
    """
    log = folder / "access.log"
    log.touch()
    lines = b"".join(generate.blocks(FORMATS[TEAL], int(RATE * seconds))).splitlines(keepends=True)
    with running(log, folder) as exporter:
        writer = _Writer(log, lines)
        before = exporter.cpu_seconds()
        writer.start()
        lags = []
        while writer.is_alive():
            asked = time.monotonic()
            lags.append(writer.age_of_line(exporter.lines(), asked))
            time.sleep(LOOK_SECONDS)
        exporter.wait_for_lines(len(lines), seconds=60)
        share = (exporter.cpu_seconds() - before) / writer.took
    rate = len(lines) / writer.took
    return [
        Figure(
            f"Lag at {RATE:,} lines/s",
            f"{max(lags):.2f} s at most, {statistics.median(lags):.2f} s median, over "
            f"{writer.took:.0f} s at {rate:,.0f} lines/s; {share:.0%} of a core",
            f"under {MOST_SECONDS:g} s",
            max(lags) < MOST_SECONDS,
        )
    ]


# Private


class _Writer(threading.Thread):
    """Appends the lines at RATE and remembers when each was there."""

    def __init__(self, log: Path, lines: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._log = log
        self._lines = lines
        self._counts = [0]
        self._times = [time.monotonic()]
        self.took = 0.0

    def run(self) -> None:
        began = time.monotonic()
        written = 0
        with self._log.open("ab", buffering=0) as file:
            while written < len(self._lines):
                due = min(int((time.monotonic() - began) * RATE), len(self._lines))
                file.write(b"".join(self._lines[written:due]))
                written = due
                self._times.append(time.monotonic())
                self._counts.append(written)
                time.sleep(TURN_SECONDS)
        self.took = time.monotonic() - began

    def age_of_line(self, number: int, now: float) -> float:
        """Return how long ago the line after the first `number` was written, 0 if it was not."""
        place = bisect_right(self._counts, number)
        return max(now - self._times[place], 0.0) if place < len(self._times) else 0.0
