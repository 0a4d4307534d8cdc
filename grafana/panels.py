"""Panels of a Grafana dashboard as plain data, in the classic schema.

Classic, because file provisioning of the newer schema does not work in every version in use;
Grafana migrates it when it loads. Plain data, because grafana-foundation-sdk would add a package
whose newest version for this schema is of Grafana 11, and its builders know no colours of pools, no
limits and no texts for "nothing": that is what is said here, once for all panels. Field names are
those of
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
# The same colours wherever a pool is shown. Nothing else is blue or green: what is well is grey.
POOL_COLORS = {"blue": "blue", "green": "green", "none": "gray", "unknown": "purple"}
WELL, WARNING, BAD = "gray", "orange", "red"
LIMIT_COLOR = "red"
# A value -> what is written instead of it, and its colour.
States = Mapping[int, tuple[str, str]]


@dataclass(frozen=True)
class Query:
    """One PromQL expression of a panel, and the name of its series.

    `color` is that of the series, by its name; pools have theirs already.
    """

    expr: str
    legend: str
    color: str | None = None


def worst(series: str) -> str:
    """Return the largest value within each step: over weeks, what was short is still seen."""
    return f"max_over_time({series}[$__rate_interval])"


def timeseries(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    limits: Sequence[Query] = (),
    stacked: bool = False,
    lowest: float | None = 0,
    highest: float | None = None,
    nothing: str = "nothing in this time",
) -> Json:
    """Return a graph. `limits` are series that are drawn as dashed lines."""
    panel = _panel(
        "timeseries", title, description, [*queries, *limits], unit=unit, nothing=nothing
    )
    panel["fieldConfig"]["defaults"] |= {
        **_given(min=lowest, max=highest, decimals=0 if unit == "short" else None),
        # By name: a series that comes or goes does not change the colours of the others.
        "color": {"mode": "palette-classic-by-name"},
        "custom": {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 2,
            "fillOpacity": 25 if stacked else 8 if len(queries) == 1 else 0,
            "showPoints": "auto",
            "pointSize": 4,
            "spanNulls": False,
            # Without it all that is zero would be drawn on an axis up to 100.
            "axisSoftMax": _LOW.get(unit, 1),
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        },
    }
    panel["fieldConfig"]["overrides"] = [
        *_pool_colors(),
        *(_fixed(query.legend, query.color) for query in queries if query.color),
        *(_limit_line(query) for query in limits),
    ]
    panel["options"] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def number(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    nothing: str,
    decimals: int | None = None,
    nothing_color: str = "text",
    bad_from: float | None = None,
    bad_color: str = WARNING,
    states: States | None = None,
) -> Json:
    """Return one big number; from `bad_from` on it has the colour of what is not well.

    `states` are words for some values.
    """
    panel = _panel("stat", title, description, [query], unit=unit, nothing=nothing, instant=True)
    steps: list[Json] = [{"value": None, "color": "text"}]
    if bad_from is not None:
        steps.append({"value": bad_from, "color": bad_color})
    panel["fieldConfig"]["defaults"] |= {
        **_given(decimals=decimals),
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [*_mappings(states or {}), _no_sample(nothing, nothing_color)],
    }
    panel["options"] = _stat_options("value", "value")
    return panel


def verdict(
    title: str,
    description: str,
    query: Query,
    *,
    states: States,
    nothing: str,
    nothing_color: str = WELL,
) -> Json:
    """Return a word on a coloured ground: what the value means."""
    panel = _panel("stat", title, description, [query], unit="none", nothing=nothing, instant=True)
    panel["fieldConfig"]["defaults"] |= {
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": WELL}]},
        "mappings": [*_mappings(states), _no_sample(nothing, nothing_color)],
    }
    panel["options"] = _stat_options("background_solid", "value")
    return panel


def pool_name(title: str, description: str, query: Query, *, nothing: str) -> Json:
    """Return the name of a pool on its colour; the legend is the name."""
    panel = _panel("stat", title, description, [query], unit="none", nothing=nothing, instant=True)
    panel["fieldConfig"]["defaults"] |= {
        "color": {"mode": "fixed", "fixedColor": WELL},
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": WELL}]},
    }
    panel["fieldConfig"]["overrides"] = _pool_colors()
    panel["options"] = _stat_options("background_solid", "name")
    return panel


def state_timeline(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    states: States,
    nothing: str,
    by_pool: bool = False,
) -> Json:
    """Return bars over time. With `by_pool` a bar has the colour of its pool, else of its state."""
    panel = _panel("state-timeline", title, description, queries, unit="none", nothing=nothing)
    panel["fieldConfig"]["defaults"] |= {
        "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False},
        "color": {"mode": "fixed" if by_pool else "thresholds", "fixedColor": WELL},
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": WELL}]},
        "mappings": _mappings(states, colored=not by_pool),
    }
    panel["fieldConfig"]["overrides"] = _pool_colors() if by_pool else []
    panel["options"] = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.6,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel


def table(
    title: str,
    description: str,
    query: Query,
    *,
    columns: Mapping[str, str],
    nothing: str,
    unit: str = "none",
    links: Mapping[str, tuple[str, str]] | None = None,
) -> Json:
    """Return a table of labels and of the value.

    `columns` maps a label (or `Value`) to its heading, in order; other labels are hidden. `links`
    maps a heading to the title and the address of a link.
    """
    panel = _panel("table", title, description, [query], unit=unit, nothing=nothing, instant=True)
    panel["targets"][0]["format"] = "table"
    panel["fieldConfig"]["defaults"] |= {"decimals": 0}
    panel["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": heading},
            "properties": [{"id": "links", "value": [{"title": text, "url": url}]}],
        }
        for heading, (text, url) in (links or {}).items()
    ]
    panel["options"] = {"showHeader": True, "cellHeight": "sm"}
    panel["transformations"] = [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {
            "id": "organize",
            "options": {
                "renameByName": dict(columns),
                "indexByName": {label: index for index, label in enumerate(columns)},
                "excludeByName": {},
            },
        },
    ]
    return panel


def heatmap(title: str, description: str, query: Query, *, unit: str, nothing: str) -> Json:
    """Return how a histogram's buckets fill over time; the legend is `{{le}}`."""
    panel = _panel("heatmap", title, description, [query], unit=unit, nothing=nothing)
    panel["targets"][0]["format"] = "heatmap"
    panel["options"] = {
        "calculate": False,
        "yAxis": {"unit": unit, "axisPlacement": "left"},
        "rowsFrame": {"layout": "auto"},
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 32, "exponent": 0.5},
        "cellGap": 1,
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False},
    }
    return panel


# Private

# What an axis reaches at least, by its unit.
_LOW = {"percentunit": 0.01, "s": 0.01, "bytes": 1024}


def _panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    nothing: str,
    instant: bool = False,
) -> Json:
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
                "instant": instant,
                "range": not instant,
                "format": "time_series",
            }
            for index, query in enumerate(queries)
        ],
        "fieldConfig": {"defaults": {"unit": unit, "noValue": nothing}, "overrides": []},
    }


def _given(**values: float | None) -> Json:
    """Return what is given; Grafana's schema knows no null here."""
    return {name: value for name, value in values.items() if value is not None}


def _stat_options(color_mode: str, text_mode: str) -> Json:
    return {
        "colorMode": color_mode,
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": text_mode,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def _mappings(states: States, *, colored: bool = True) -> list[Json]:
    options = {
        str(value): {"text": text, "index": index, **({"color": color} if colored else {})}
        for index, (value, (text, color)) in enumerate(states.items())
    }
    return [{"type": "value", "options": options}] if states else []


def _no_sample(text: str, color: str) -> Json:
    """Return the words for no sample; `noValue` alone has no colour of its own."""
    return {
        "type": "special",
        "options": {"match": "null", "result": {"text": text, "color": color, "index": 0}},
    }


def _pool_colors() -> list[Json]:
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^{pool}\\b/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for pool, color in POOL_COLORS.items()
    ]


def _fixed(name: str, color: str | None) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
    }


def _limit_line(query: Query) -> Json:
    override = _fixed(query.legend, query.color or LIMIT_COLOR)
    override["properties"] += [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
        {"id": "custom.lineWidth", "value": 1},
        {"id": "custom.fillOpacity", "value": 0},
        {"id": "custom.stacking", "value": {"mode": "none", "group": "limit"}},
    ]
    return override
