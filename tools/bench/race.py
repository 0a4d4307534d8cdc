"""Runs all contenders on the same log, turn by turn, so that noise of the machine hits everybody.

A result is refused if somebody counted differently from the exporter.
"""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench import contenders, equality, generate, process
from tools.bench.contenders import EXPORTER, Absent, Contender, Course
from tools.bench.exposition import Samples
from tools.bench.formats import Format
from tools.bench.process import Cost


@dataclass
class Row:
    """One contender's result: its costs, run by run, or why it has none."""

    name: str
    what: str
    costs: list[Cost] = field(default_factory=list)
    absent: str = ""


@dataclass
class Race:
    """The results on one log."""

    log_format: str
    meaning: str
    lines: int
    size: int
    rows: list[Row]

    def rates(self, row: Row) -> list[float]:
        """Return lines per CPU-second, run by run."""
        return [self.lines / cost.cpu_seconds for cost in row.costs]

    def row(self, name: str) -> Row:
        """Return a contender's row. Raises StopIteration."""
        return next(row for row in self.rows if row.name == name)

    def ratio(self, row: Row) -> float:
        """Return how many times as fast as this one the exporter is: the median of the runs."""
        ours = self.row(EXPORTER).costs
        return statistics.median(
            their.cpu_seconds / our.cpu_seconds for our, their in zip(ours, row.costs, strict=True)
        )


def run(
    log_format: Format, *, lines: int, runs: int, cache: Path, say: Callable[[str], None]
) -> Race:
    """Race on a new log, which is removed afterwards. Raises DifferentError and FailedError."""
    with tempfile.TemporaryDirectory(prefix="teal-bench-") as folder:
        course = Course(log_format, Path(folder) / "access.log", Path(folder), cache)
        say(f"{log_format.name}: writing {lines:,} lines")
        size = generate.write(course.log, log_format, lines)
        entries = contenders.all_for(course)
        race = Race(log_format.name, log_format.meaning, lines, size, list(map(_row, entries)))
        running = [
            (entry, row)
            for entry, row in zip(entries, race.rows, strict=True)
            if isinstance(entry, Contender)
        ]
        for number in range(1, runs + 1):
            say(f"{log_format.name}: run {number} of {runs}")
            counted: Samples = {}
            for entry, row in running:
                cost, output = process.measure(entry.command, entry.environment)
                if entry.name == EXPORTER and entry.samples:
                    counted = entry.samples(output)
                check(entry, output, counted, lines)
                row.costs.append(cost)
    return race


def check(entry: Contender, output: str, counted: Samples, lines: int) -> None:
    """Compare what one counted with what the exporter did. Raises DifferentError."""
    if entry.samples:
        equality.require_equal(counted, entry.samples(output), who=entry.name)
    if entry.lines and entry.lines(output) != lines:
        raise equality.DifferentError(
            f"{entry.name} saw {entry.lines(output)} lines, and the log has {lines}"
        )


# Private


def _row(entry: Contender | Absent) -> Row:
    if isinstance(entry, Absent):
        return Row(entry.name, "", absent=entry.why)
    return Row(entry.name, entry.what)
