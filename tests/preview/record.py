"""Record what a Prometheus answers to every query of the dashboards, for the preview.

PYTHONPATH=. python3 tests/preview/record.py http://127.0.0.1:9090 --minutes 10
"""

import argparse
import gzip
import json
import math
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from teal.settings import load

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded"
# A graph is about so many pixels wide; Grafana asks for a sample per pixel at most.
MOST_SAMPLES = 600
SCRAPE_SECONDS = 1
LIMIT_SECONDS = 30

Json = dict[str, Any]

# The very files that Grafana loads.
BOARDS: dict[str, Json] = {
    path.name: json.loads(path.read_text())
    for path in sorted((HERE.parents[1] / "grafana" / "dashboards").glob("*.json"))
}


def record(prometheus: str, boards: Iterable[Json], *, start: int, end: int) -> Json:
    """Return the answers to all queries between two times, seconds since the epoch.

    They are kept by the expression: a panel may move without a new recording.
    """
    step = max(SCRAPE_SECONDS, math.ceil((end - start) / MOST_SAMPLES))
    ask = Questions(prometheus, start=start, end=end, step=step)
    found: Json = {"from": start, "to": end, "step": step, "instant": {}, "range": {}}
    for board in boards:
        for kind, expression in questions(board):
            answer = ask.instant if kind == "instant" else ask.range
            found[kind][expression] = answer(expression)
    return found


def questions(board: Json) -> list[tuple[str, str]]:
    """Return (`instant` or `range`, expression) of all that a dashboard asks."""
    targets = [target for panel in board["panels"] for target in panel.get("targets", [])]
    return [
        *(("instant" if one["instant"] else "range", one["expr"]) for one in targets),
        *(("range", each["target"]["expr"]) for each in board["annotations"]["list"]),
    ]


class Questions:
    """Questions to a Prometheus about one time range, with Grafana's variables filled in.

    https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
    """

    def __init__(self, prometheus: str, *, start: int, end: int, step: int) -> None:
        self._url = f"{prometheus}/api/v1/"
        self._range = {"start": start, "end": end, "step": step}
        self._variables = {
            "$__rate_interval": f"{max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
            "$__interval": f"{step}s",
            "$__range": f"{end - start}s",
        }

    def instant(self, expression: str) -> list[Json]:
        """Return the series at the end of the range."""
        return self._ask("query", query=self._filled(expression), time=self._range["end"])

    def range(self, expression: str) -> list[Json]:
        """Return the series over the range."""
        return self._ask("query_range", query=self._filled(expression), **self._range)

    def _filled(self, expression: str) -> str:
        for name, value in self._variables.items():
            expression = re.sub(re.escape(name) + r"\b", value, expression)
        # The end of a pattern is no variable, nor is `$1` of label_replace.
        if re.search(r"\$\{?[A-Za-z_]", expression):
            raise SystemExit(f"not a variable that can be recorded: {expression}")
        return expression

    def _ask(self, what: str, **parameters: object) -> list[Json]:
        try:
            reply = requests.post(self._url + what, data=parameters, timeout=LIMIT_SECONDS)
        except requests.RequestException as error:
            raise SystemExit(f"no answer from {self._url}: {error}") from None
        answer = reply.json()
        if answer["status"] != "success":
            raise SystemExit(f"Prometheus refuses {parameters['query']!r}: {answer['error']}")
        result: list[Json] = answer["data"]["result"]
        return result


def main() -> None:
    """Record all dashboards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prometheus", help="its address, like http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=10, help="how much, until now")
    parser.add_argument("--end", type=int, help="until then instead, seconds since the epoch")
    parser.add_argument("--name", default="failover", help="name of the recording")
    arguments = parser.parse_args()
    end = arguments.end or int(time.time())
    start = end - round(arguments.minutes * 60)
    found = record(arguments.prometheus, BOARDS.values(), start=start, end=end)
    # The same wherever it is made.
    text = json.dumps(found, separators=(",", ":")).replace(str(load().directory), "/srv/teal")
    RECORDED.mkdir(exist_ok=True)
    file = RECORDED / f"{arguments.name}.json.gz"
    # Without the time of writing: the same answers are the same file.
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{file} written, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
