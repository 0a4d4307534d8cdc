"""What the exporter costs on logs that flatter it less than the one of the race."""

import statistics
from pathlib import Path

from tools.bench import contenders, generate, process
from tools.bench.contenders import Course
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, TEAL
from tools.bench.generate import CountingConfig

SHAPES = {
    "as in the race": CountingConfig(),
    "wide durations": CountingConfig(wide=True),
    "pools that alternate, half and half": CountingConfig(alternating=True),
    "wide durations and pools that alternate": CountingConfig(wide=True, alternating=True),
    "one bad line in 400": CountingConfig(bad_every=400),
    "all of these": CountingConfig(wide=True, alternating=True, bad_every=400),
}


def measure(folder: Path, *, lines: int, runs: int) -> list[Figure]:
    """Read each log that often, all of them in turn. Raises FailedError."""
    courses = {}
    for number, (name, config) in enumerate(SHAPES.items()):
        courses[name] = Course(FORMATS[TEAL], folder / f"{number}.log", folder, folder)
        generate.write(courses[name].log, FORMATS[TEAL], lines, config=config)
    rates: dict[str, list[float]] = {name: [] for name in courses}
    for _ in range(runs):
        for name, course in courses.items():
            entry = contenders.exporter(course)
            cost, _ = process.measure(entry.command, entry.environment)
            rates[name].append(lines / cost.cpu_seconds)
    usual = statistics.median(rates["as in the race"])
    return [
        Figure(
            f"A log of {lines:,} lines, {name}",
            f"{median:,.0f} lines per CPU-second (median of {runs}), {median / usual:.0%} of first",
            "stated",
        )
        for name, each in rates.items()
        for median in [float(f"{statistics.median(each):.3g}")]
    ]
