"""Keeps what was measured in docs/benchmark.json, from which the document and the chart are made.

What is measured anew replaces what was there; the rest stays, each with its own machine and date.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.bench.figure import Figure
from tools.bench.process import Cost
from tools.bench.race import Race, Row


@dataclass
class Results:
    """Races by log format and figures of the running exporter, each with its machine."""

    races: dict[str, tuple[Race, str]] = field(default_factory=dict)
    figures: dict[str, tuple[list[Figure], str]] = field(default_factory=dict)


def load(path: Path) -> Results:
    """Return what was kept, nothing if there is no file. Raises OSError, ValueError, KeyError."""
    if not path.exists():
        return Results()
    kept = json.loads(path.read_bytes())
    return Results(
        {name: (_race(race), machine) for name, (race, machine) in kept["races"].items()},
        {
            title: ([Figure(*figure) for figure in figures], machine)
            for title, (figures, machine) in kept["figures"].items()
        },
    )


def save(path: Path, results: Results) -> None:
    """Write them. Raises OSError."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")


# Private


def _race(kept: dict[str, object]) -> Race:
    race = Race(**kept)  # type: ignore[arg-type]
    race.rows = [Row(**row) for row in race.rows]  # type: ignore[arg-type]
    for row in race.rows:
        row.costs = [Cost(*cost) for cost in row.costs]
    return race
