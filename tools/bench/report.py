"""Tells the results: tables for the terminal, and the text of docs/benchmark.md."""

import statistics
from collections.abc import Sequence

from tools.bench.contenders import EXPORTER, LIMIT
from tools.bench.figure import Figure
from tools.bench.race import Race, Row
from tools.bench.results import Results

HEAD = """\
# What the exporter costs

Written by `make bench`; do not edit. Every figure is from a run on the machine named beside it.

![Lines per CPU-second](benchmark.svg)

A made-up log (seeded, so the same everywhere) is read from its first line to its last by each
contender in turn. CPU time is that of the whole process, user and system, its start included.
Half a percent of the requests are retried, one pool serves at a time, and the other takes over
after each 100,000 lines. The exporter, mtail and the naive loop must have counted the same
(responses by pool and class; requests by pool, method and status; attempts by server and status;
retried requests by outcome; bytes in and out; three histograms with the same buckets), or no ratio
is shown. The exporter counts more than that: it also follows the active pool, the releases and the
window of the last requests.

Conceded to mtail: it need not find the pool of an address and labels by the address itself; lists
of more than two attempts are not looked at; a method is not held against a list. Its version
3.0.0~rc50 puts durations of exactly 0 into no bucket, which is made good before the comparison.
goaccess makes the report it is made for, and has to see every line. The formats of a log do not
change what is in it, only what it costs to read.

This log flatters: its durations are short, so that they repeat, and one pool serves at a time. What
the exporter does with durations around 0.3 s that hardly repeat, with pools that alternate and with
one bad line in 400 stands below, under *The running exporter*.

To repeat it: `make bench` (`python3 -m tools bench --help` for fewer lines and runs); for the
running exporter `python3 -m tools bench --load`. The peers are Debian packages that are fetched and
unpacked under `.teal/bench`, nothing is installed.
"""


def race_table(race: Race) -> list[list[str]]:
    """Return the rows of a table, its head first."""
    head = ["", "lines per CPU-second", "min - max", "exporter is", "share of wc -l", "peak memory"]
    return [head, *([row.name, *_cells(race, row)] for row in race.rows)]


def figure_table(figures: Sequence[Figure]) -> list[list[str]]:
    """Return the rows of a table, its head first."""
    head = ["", "measured", "wanted", "reached"]
    return [head, *([f.name, f.measured, f.wanted, f.verdict] for f in figures)]


def for_terminal(table: Sequence[Sequence[str]]) -> str:
    """Return a table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def for_markdown(table: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, numbers to the right."""
    head, *rows = table
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def document(results: Results) -> str:
    """Return the whole document."""
    races = (_race_section(race, machine) for race, machine in results.races.values())
    return "\n".join([HEAD, *races, *_figures_section(results)])


# Private


def _race_section(race: Race, machine: str) -> str:
    notes = "\n".join(f"- {row.name}: {row.absent or row.what}" for row in race.rows)
    return (
        f"## Format `{race.log_format}`: {race.meaning}\n\n"
        f"{race.lines:,} lines of {race.size / race.lines:.0f} bytes on average, "
        f"{len(race.row(EXPORTER).costs)} runs, medians.\n\n"
        f"{for_markdown(race_table(race))}\n\n{notes}\n\nMachine: {machine}.\n"
    )


def _figures_section(results: Results) -> list[str]:
    if not results.figures:
        return []
    figures = [figure for part, _ in results.figures.values() for figure in part]
    machines = "; ".join(dict.fromkeys(machine for _, machine in results.figures.values()))
    table = for_markdown(figure_table(figures))
    return [f"## The running exporter\n\n{table}\n\nMachine: {machines}.\n"]


def _cells(race: Race, row: Row) -> list[str]:
    if row.absent:
        return ["not measured", "", "", "", ""]
    rates = race.rates(row)
    limit = statistics.median(race.rates(race.row(LIMIT)))
    return [
        _rounded(statistics.median(rates)),
        f"{_rounded(min(rates))} - {_rounded(max(rates))}",
        "" if row.name in {EXPORTER, LIMIT} else f"{race.ratio(row):.1f} times as fast",
        f"{statistics.median(rates) / limit:.2%}",
        f"{max(cost.peak_bytes for cost in row.costs) / 2**20:.0f} MiB",
    ]


def _rounded(number: float) -> str:
    """Return three significant figures; more would be noise."""
    return f"{float(f'{number:.3g}'):,.0f}"
