"""Draws the results as an SVG that can be read on a light and on a dark page."""

import statistics
from collections.abc import Sequence
from xml.sax.saxutils import escape

from tools.bench.contenders import EXPORTER, LIMIT
from tools.bench.race import Race, Row

WIDTH, LABELS, BAR, GAP = 760, 170, 18, 8
NUMBERS = 190
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.peer { fill: #8c959f } .ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .peer { fill: #6e7681 } .ours { fill: #3fb950 }
}"""


def draw(races: Sequence[Race]) -> str:
    """Return a chart of lines per CPU-second: a group of bars for each log format."""
    longest = max(_rate(race, row) for race in races for row in _shown(race))
    parts, top = [], 24
    for race in races:
        parts.append(_text(0, top, f"{race.log_format}: {race.meaning}".replace("`", ""), "title"))
        top += 12
        for row in _shown(race):
            rate = _rate(race, row)
            parts += _bar(top, row, rate, rate / longest, race)
            top += BAR + GAP
        top += 28
    parts.append(_text(0, top, "Complete lines per second of CPU time; longer is better."))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 {WIDTH + 24} {top + 16}" '
        f'width="{WIDTH + 24}" height="{top + 16}" role="img" '
        f'aria-label="Lines per CPU-second by contender and log format">\n'
        f"<style>\n{_STYLE}\n</style>\n{body}\n</svg>\n"
    )


# Private


def _shown(race: Race) -> list[Row]:
    # wc is two orders away: on its scale nothing else could be seen.
    return [row for row in race.rows if row.costs and row.name != LIMIT]


def _rate(race: Race, row: Row) -> float:
    return statistics.median(race.rates(row))


def _bar(top: int, row: Row, rate: float, share: float, race: Race) -> list[str]:
    ours = row.name == EXPORTER
    length = round((WIDTH - LABELS - NUMBERS) * share, 1)
    number = f"{float(f'{rate:.3g}'):,.0f}"
    times = "" if ours else f"  (exporter: {race.ratio(row):.1f}x)"
    middle = top + BAR - 5
    kind = "ours" if ours else "peer"
    config = f'x="{LABELS}" y="{top}" rx="3" width="{length}" height="{BAR}"'
    return [
        _text(0, middle, row.name),
        f'<rect class="{kind}" {config}/>',
        _text(LABELS + length + 8, middle, number + times),
    ]


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:g}" y="{y:g}">{escape(text)}</text>'
