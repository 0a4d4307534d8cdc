"""What `make bench` does: races, figures of the running exporter, and the files that tell them."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from teal import debian
from tools.bench import (
    backlog,
    chart,
    lag,
    logs,
    machine,
    memory,
    quiet,
    race,
    report,
    results,
    share,
)
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, ROOT, TEAL

DOCUMENT = ROOT / "docs" / "benchmark.md"
MAIN_LINES, OTHER_LINES = 1_000_000, 300_000
LOADS = ("logs", "quiet", "lag", "share", "backlog", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=list(FORMATS),
        help="log formats to race on (default: all)",
    )
    parser.add_argument(
        "--lines",
        type=_from_one,
        help=f"lines of each log (default: {MAIN_LINES:,} of {TEAL}, {OTHER_LINES:,} of the rest)",
    )
    parser.add_argument(
        "--runs", type=_from_one, default=5, help="runs of each contender (default: %(default)s)"
    )
    parser.add_argument(
        "--load",
        nargs="*",
        choices=LOADS,
        metavar="PART",
        help=f"no race, but the running exporter: all of {', '.join(LOADS)}, or some of them",
    )
    parser.add_argument(
        "--seconds",
        type=_from_one,
        default=20,
        help="how long idling, lag and share are watched (default: %(default)s)",
    )
    parser.add_argument(
        "--backlog-lines",
        type=_from_one,
        default=10_000_000,
        help="lines of the backlog, about 530 bytes of disk each (default: %(default)s)",
    )
    parser.add_argument(
        "--memory-lines",
        type=_from_one,
        default=20_000_000,
        help="hostile lines (default: %(default)s)",
    )
    parser.add_argument(
        "--no-write", action="store_true", help="print only; leave docs/benchmark.* as they are"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".teal" / "bench",
        help="where the peers' programs are kept (default: .teal/bench)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write. Raises OSError, DifferentError and FailedError."""
    kept = results.load(DOCUMENT.with_suffix(".json"))
    if arguments.load is None:
        _race(arguments, kept)
    else:
        _load(arguments, kept)
    if not arguments.no_write:
        _write(kept)
    return 0


# Private


def _race(arguments: argparse.Namespace, kept: results.Results) -> None:
    for name in arguments.formats:
        lines = arguments.lines or (MAIN_LINES if name == TEAL else OTHER_LINES)
        measured = race.run(
            FORMATS[name], lines=lines, runs=arguments.runs, cache=arguments.cache, say=_say
        )
        _say("\n" + report.for_terminal(report.race_table(measured)))
        _say_absent(measured)
        kept.races[name] = (measured, machine.describe())


def _load(arguments: argparse.Namespace, kept: results.Results) -> None:
    parts: dict[str, Callable[[Path], list[Figure]]] = {
        "logs": lambda folder: logs.measure(
            folder, lines=arguments.lines or OTHER_LINES, runs=arguments.runs
        ),
        "quiet": lambda folder: quiet.measure(folder, seconds=arguments.seconds),
        "lag": lambda folder: lag.measure(folder, seconds=arguments.seconds),
        "share": lambda _: share.measure(seconds=arguments.seconds, cache=arguments.cache),
        "backlog": lambda folder: backlog.measure(folder, lines=arguments.backlog_lines),
        "memory": lambda folder: memory.measure(folder, lines=arguments.memory_lines),
    }
    for name in arguments.load or LOADS:
        with tempfile.TemporaryDirectory(prefix="teal-bench-") as folder:
            try:
                figures = parts[name](Path(folder))
            except debian.UnavailableError as error:
                figures = [Figure(name, "not measured", str(error))]
        for figure in figures:
            verdict = {True: "reached", False: "NOT REACHED", None: "stated"}[figure.good]
            _say(f"{figure.name}: {figure.measured}; wanted: {figure.wanted}; {verdict}")
        kept.figures[name] = (figures, machine.describe())


def _write(kept: results.Results) -> None:
    results.save(DOCUMENT.with_suffix(".json"), kept)
    DOCUMENT.write_text(report.document(kept), encoding="utf-8")
    if kept.races:
        picture = chart.draw([measured for measured, _ in kept.races.values()])
        DOCUMENT.with_suffix(".svg").write_text(picture, encoding="utf-8")
    _say(f"{DOCUMENT.relative_to(ROOT)} written, with its chart and figures")


def _say_absent(measured: race.Race) -> None:
    for row in measured.rows:
        if row.absent:
            _say(f"{row.name} was not measured: {row.absent}")
    _say("")


def _say(text: str) -> None:
    print(text, flush=True)


def _from_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
