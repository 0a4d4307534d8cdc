"""The torture run: the real process, kill -9 at any moment, every kind of rotation, exact counters.

A writer writes Teal lines at full speed and rotates the log; a killer kills and restarts the
exporter, also right after its start; a scraper scrapes as Prometheus does. At the end the counters
are compared with the account that the writer kept. What copytruncate destroys between copy and cut
nobody can count, so the writer pauses there.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from torture_exporter import Exporter, pause, total
from torture_writer import Writer


@dataclass
class Report:
    """What happened, and what is wrong: nothing, if all is well."""

    kills: int
    scrapes: int
    lines: int
    seconds: float
    rotations: Counter[str]
    differences: list[str]

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
    chance = random.Random(seed)
    # Rotated files are numbered, or dated with every other seed.
    writer = Writer(folder / "access.log", random.Random(seed + 1), by_date=seed % 2 == 0)
    exporter = Exporter(folder)
    # Before its first snapshot an exporter has no place to go on from.
    writer.write()
    try:
        exporter.start()
        exporter.wait_for(writer.lines)
        writer.start()
        for _ in range(kills):
            pause(chance.choice((0.0, 0.05, 0.2, 0.5)) * chance.random())
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
        found = exporter.scrape(true=True)
    finally:
        writer.stop()
        exporter.kill(counts=False)
    return Report(
        kills=exporter.kills,
        scrapes=exporter.scrapes,
        lines=writer.lines,
        seconds=time.monotonic() - began,
        rotations=writer.rotations,
        differences=exporter.fallen + _differences(writer.expected, found),
    )


# Private


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
        differences += [f"{name} is {total(found, name):g}"] if total(found, name) else []
    return differences
