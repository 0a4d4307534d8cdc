"""How long a running exporter needs for a log that is already long, and whether it answers."""

import time
from pathlib import Path

import requests

from tools.bench import generate
from tools.bench.exposition import value
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, TEAL
from tools.bench.live import Running, running
from tools.bench.process import FailedError

# The part that is repeated; one pool serves in it, so that its end and its beginning fit.
PART = generate.SWITCH_SECONDS * generate.LINES_PER_SECOND
LIMIT_SECONDS = 900.0
MOST_MIB = 64


def measure(folder: Path, *, lines: int) -> list[Figure]:
    """Let an exporter without a snapshot read so many lines, with a scrape per second.

    Raises FailedError.
    """
    log = folder / "access.log"
    part = b"".join(generate.blocks(FORMATS[TEAL], min(PART, lines)))
    parts = max(lines // PART, 1)
    lines = parts * part.count(b"\n")
    with log.open("wb") as file:
        for _ in range(parts):
            file.write(part)
    began = time.monotonic()
    with running(log, folder) as exporter:
        waits, refused = _catch_up(exporter, lines)
        took = time.monotonic() - began
        cpu, peak = exporter.cpu_seconds(), exporter.peak_bytes() / 2**20
    log.unlink()
    return [
        Figure(
            f"A backlog of {lines:,} lines",
            f"caught up in {took:.1f} s ({lines / took:,.0f} lines/s; {cpu:.1f} s of CPU)",
            "a stated time",
        ),
        Figure(
            "Scrapes meanwhile, one per second",
            f"{len(waits)} answered, the slowest in {max(waits):.2f} s; {refused} not answered",
            "all answered",
            not refused,
        ),
        Figure(
            "Memory after it",
            f"{peak:.0f} MiB at most",
            f"at most {MOST_MIB} MiB",
            peak <= MOST_MIB,
        ),
    ]


# Private


def _catch_up(exporter: Running, lines: int) -> tuple[list[float], int]:
    """Scrape each second until all is counted; return the waits, and how many went unanswered."""
    waits, refused = [], 0
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        turn = time.monotonic()
        try:
            text, took = exporter.scrape()
        except requests.RequestException:
            refused += 1
        else:
            waits.append(took)
            if value(text, "nginxlog_exporter_lines_total") >= lines:
                return waits, refused
        time.sleep(max(turn + 1 - time.monotonic(), 0))
    raise FailedError(f"{lines:,} lines were not caught up within {LIMIT_SECONDS:g} s")
