"""The dashboards as they are provisioned, and what there is of names in the product."""

import json
import re
from pathlib import Path

import yaml

from nginxlog_exporter.metrics.reference import metrics

ROOT = Path(__file__).resolve().parents[2]
BOARDS = {
    path.name: json.loads(path.read_text())
    for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}


def panels(board):
    """Return the panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    """Return (where, expression, legend or title) of each panel and annotation."""
    return [
        *(
            (f"{panel['title']} {target['refId']}", target["expr"], target["legendFormat"])
            for panel in panels(board)
            for target in panel["targets"]
        ),
        *(
            (f"annotation {each['name']}", each["target"]["expr"], each["titleFormat"])
            for each in board["annotations"]["list"]
        ),
    ]


def filled(expression, *, rate="1m", range_="15m"):
    """Return a query with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", rate).replace("$__range", range_)


def recorded_names():
    """Return the series that our rules record."""
    return {
        rule["record"]
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


def exported_names():
    """Return every name under which the exporter shows samples."""
    parts = ("", "_bucket", "_count", "_sum")
    return {metric.name + part for metric in metrics() for part in parts}


def counters():
    """Return the names of counters: the exporter's, and by their ending those of others."""
    return {metric.name for metric in metrics() if metric.type == "counter"}


def names_in(expression):
    """Return the series that an expression names."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    before_a_bracket = r"\b[a-zA-Z_][a-zA-Z0-9_:]*(?=\s*[\[{])"
    by_its_look = (
        r"\b[a-z]+:[a-zA-Z0-9_:]+|\b(?:nginxlog|alertmanager|prometheus|scrape)_\w+"
        r"|\bALERTS_FOR_STATE\b"
    )
    return {
        name for pattern in (before_a_bracket, by_its_look) for name in re.findall(pattern, bare)
    }
