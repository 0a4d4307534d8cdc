"""Panels of a Grafana dashboard as plain data, in the classic schema.

Classic, because file provisioning of the newer schema does not work in every version in use;
Grafana migrates it when it loads. Field names are those of
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
# The same colours wherever a pool is shown.
POOL_COLORS = {"blue": "blue", "green": "green", "none": "gray", "unknown": "purple"}
GRID_COLUMNS = 24


@dataclass(frozen=True)
class Query:
    """One PromQL expression of a panel, and the name of its series."""

    expr: str
    legend: str = ""
    instant: bool = False
    as_table: bool = False


def timeseries(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    limit: str | None = None,
    stacked: bool = False,
) -> Json:
    """Return a graph. `limit` names a series that is drawn as a dashed red line."""
    panel = _panel("timeseries", title, description, [*queries, *_limit_query(limit)])
    panel["fieldConfig"]["defaults"] |= {
        "unit": unit,
        "min": 0,
        "custom": {
            "lineWidth": 2,
            "fillOpacity": 20 if stacked else 5,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        },
    }
    panel["fieldConfig"]["overrides"] = [*_pool_colors(), *_limit_style(limit)]
    panel["options"] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "none",
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),),
    shows_name: bool = False,
    decimals: int | None = None,
    nothing: str = "no data",
) -> Json:
    """Return one big number, or the name of the series where `shows_name`.

    `steps` are the colours from a value on; the first one has no value. `nothing` is shown when
    there is no sample.
    """
    panel = _panel("stat", title, description, [query])
    panel["fieldConfig"]["defaults"] |= {
        "unit": unit,
        "decimals": decimals,
        "noValue": nothing,
        "color": {"mode": "thresholds"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": color} for value, color in steps],
        },
    }
    panel["fieldConfig"]["overrides"] = _pool_colors() if shows_name else []
    panel["options"] = {
        "colorMode": "background" if shows_name else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "textMode": "name" if shows_name else "value",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return panel


def state_timeline(
    title: str, description: str, queries: Sequence[Query], *, states: dict[str, tuple[str, str]]
) -> Json:
    """Return bars over time. `states` maps a value to its text and colour."""
    panel = _panel("state-timeline", title, description, queries)
    panel["fieldConfig"]["defaults"] |= {
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "color": {"mode": "thresholds"},
        "mappings": [
            {
                "type": "value",
                "options": {
                    value: {"text": text, "color": color, "index": index}
                    for index, (value, (text, color)) in enumerate(states.items())
                },
            }
        ],
    }
    panel["options"] = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel


def table(title: str, description: str, query: Query, *, columns: dict[str, str]) -> Json:
    """Return a table of labels.

    `columns` maps a label to its heading, in order; other labels are hidden.
    """
    panel = _panel("table", title, description, [query])
    panel["fieldConfig"]["defaults"] |= {"noValue": "nothing is firing"}
    panel["options"] = {"showHeader": True, "cellHeight": "sm"}
    panel["transformations"] = [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {
            "id": "organize",
            "options": {
                "renameByName": columns,
                "indexByName": {label: index for index, label in enumerate(columns)},
                "excludeByName": {},
            },
        },
    ]
    return panel


def row(title: str) -> Json:
    """Return a heading that spans the width."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def layout(lines: Sequence[tuple[int, Sequence[tuple[int, Json]]]]) -> list[Json]:
    """Place panels line by line: each line has a height, each panel a width, in grid units.

    Ids are given in reading order.
    """
    placed: list[Json] = []
    y = 0
    for height, panels in lines:
        x = 0
        for width, panel in panels:
            place = {"x": x, "y": y, "w": width, "h": height}
            placed.append({**panel, "id": len(placed) + 1, "gridPos": place})
            x += width
        y += height
    return placed


def annotation(name: str, expr: str, *, color: str, title: str, value_is_time: bool) -> Json:
    """Return marks on all graphs; with `value_is_time` the sample's value is the time in ms."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expr,
        "titleFormat": title,
        "step": "1s",
        "useValueForTime": value_is_time,
        "target": {"expr": expr, "refId": "Anno", "interval": ""},
    }


# Private


def _panel(kind: str, title: str, description: str, queries: Sequence[Query]) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "instant": query.instant,
                "range": not query.instant,
                "format": "table" if query.as_table else "time_series",
            }
            for index, query in enumerate(queries)
        ],
        "fieldConfig": {"defaults": {}, "overrides": []},
    }


def _pool_colors() -> list[Json]:
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^{pool}\\b/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for pool, color in POOL_COLORS.items()
    ]


def _limit_query(limit: str | None) -> list[Query]:
    return [Query(limit, "limit")] if limit else []


def _limit_style(limit: str | None) -> list[Json]:
    if not limit:
        return []
    return [
        {
            "matcher": {"id": "byName", "options": "limit"},
            "properties": [
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}},
                {"id": "custom.fillOpacity", "value": 0},
            ],
        }
    ]
