"""The torture run: the real process, kill -9 at any moment, every kind of rotation, exact counters.

A writer writes Teal lines at full speed and rotates the log; a killer kills and restarts the
exporter, also right after its start; a scraper scrapes as Prometheus does. At the end the counters
are compared with the account that the writer kept. What copytruncate destroys between copy and cut
nobody can count, so the writer pauses there.
"""

import random
import sys
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
    seed: int

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.rotations.items()))
        return "\n".join(
            (
                f"seed {self.seed}: {self.lines} lines in {self.seconds:.0f} s",
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
    writer.write()
    try:
        _kill_after_the_first_line(writer, exporter)
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
            if chance.random() < 0.05:
                _delete_while_a_worker_is_slow(writer, exporter)
            if chance.random() < 0.05:
                _damage_the_snapshot(exporter, folder)
        _vanish_while_it_is_down(writer, exporter)
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
        differences=exporter.fallen + _differences(writer.expected, found, exporter.expected_gaps),
        seed=seed,
    )


# Private


def _kill_after_the_first_line(writer: Writer, exporter: Exporter) -> None:
    """Kill it before anybody has scraped it, and rotate: its first place is kept all the same."""
    exporter.start()
    exporter.wait_until_it_has_read()
    exporter.kill()
    writer.write(writer.rotate())
    writer.write()


def _delete_while_a_worker_is_slow(writer: Writer, exporter: Exporter) -> None:
    """Delete a log that was begun while the one before it never becomes quiet."""
    with writer.paused():
        exporter.wait_for(writer.lines)
        old = writer.rotate()
        writer.write()
        for _ in range(20):
            writer.write(old)
            if exporter.counts(writer.lines, within=0.3):
                break
        old.close()
        exporter.expected_gaps += 2  # as below
        writer.delete()
        exporter.wait_for(writer.lines)


def _damage_the_snapshot(exporter: Exporter, folder: Path) -> None:
    """Cut it off while nobody runs; the copy takes its place."""
    exporter.scrape()
    exporter.kill()
    path = folder / "state.json"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    exporter.start()


def _vanish_while_it_is_down(writer: Writer, exporter: Exporter) -> None:
    """Take away what was being read and what was before it: a gap, but nothing twice."""
    with writer.paused():
        exporter.start(again=False)
        exporter.wait_for(writer.lines)
        exporter.scrape()
        exporter.expected_gaps += 2  # a worker may have written to either
        exporter.kill()
        writer.vanish()
        exporter.start()
        exporter.wait_for(writer.lines)


def _delete_when_all_is_counted(writer: Writer, exporter: Exporter) -> None:
    """Delete the log; nothing is lost if it was counted, and the new file begun, before."""
    with writer.paused():
        exporter.wait_for(writer.lines)
        # If it is killed within a minute, nobody knows whether a worker still wrote to that file.
        exporter.expected_gaps += 1
        writer.delete()
        exporter.wait_for(writer.lines)


def _differences(
    expected: Counter[tuple[str, ...]], found: dict[tuple[str, ...], float], gaps: int
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
    for name, limit in (
        ("nginxlog_exporter_gaps_total", gaps),
        ("nginxlog_exporter_unparsed_lines_total", 0),
        ("nginxlog_exporter_counter_resets_total", 0),
    ):
        differences += [f"{name} is {total(found, name):g}"] if total(found, name) > limit else []
    return differences


if __name__ == "__main__":
    report = torture(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    print(report)
    sys.exit(1 if report.differences else 0)
