"""What a running exporter costs when nothing happens, and what a scrape costs."""

import statistics
import time
from pathlib import Path

from tools.bench import generate
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, TEAL
from tools.bench.live import running

SCRAPES = 200
# Both pools have served within this many.
LINES = 120_000
MOST_SCRAPE_MS, MOST_SCRAPE_BYTES, MOST_IDLE = 10.0, 100_000, 0.01


def measure(folder: Path, *, seconds: float) -> list[Figure]:
    """Scrape a log of two pools; then watch the idle process for so long. Raises FailedError."""
    log = folder / "access.log"
    generate.write(log, FORMATS[TEAL], LINES)
    with running(log, folder) as exporter:
        exporter.wait_for_lines(LINES, seconds=60)
        before = exporter.cpu_seconds()
        scrapes = [exporter.scrape() for _ in range(SCRAPES)]
        cpu = (exporter.cpu_seconds() - before) / SCRAPES
        took = statistics.median(seconds for _, seconds in scrapes) * 1000
        size = len(scrapes[-1][0])
        before, began = exporter.cpu_seconds(), time.monotonic()
        while time.monotonic() - began < seconds:
            exporter.scrape()
            time.sleep(1)
        idle = (exporter.cpu_seconds() - before) / (time.monotonic() - began)
    return [
        Figure(
            "A scrape of two pools",
            f"{took:.1f} ms (median of {SCRAPES}; {cpu * 1000:.1f} ms of CPU)",
            f"at most {MOST_SCRAPE_MS:g} ms",
            took <= MOST_SCRAPE_MS,
        ),
        Figure(
            "Size of that scrape",
            f"{size / 1000:.1f} KB, not compressed",
            f"at most {MOST_SCRAPE_BYTES // 1000} KB",
            size <= MOST_SCRAPE_BYTES,
        ),
        Figure(
            "Idle, with a scrape per second",
            f"{idle:.2%} of a core",
            f"near zero, at most {MOST_IDLE:.0%}",
            idle <= MOST_IDLE,
        ),
    ]
