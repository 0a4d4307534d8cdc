"""docs/metrics.md: what the catalogue says, for a person to read. Printed by running this module.

Nothing is said twice: names, types, labels and meanings come from the catalogue, closed sets of
label values from where they are counted, and the examples from examples.py.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import ProcessCollector

from nginxlog_exporter.catalogue import COUNTERS, GAUGES, HISTOGRAMS, PROCESS_COUNTERS
from nginxlog_exporter.count.cardinality import MAX_ATTEMPTS, MAX_REQUESTS, OTHER
from nginxlog_exporter.count.classifier import (
    CLASSES,
    FOLDED,
    MAX_GROUPS,
    MAX_RELEASES,
    MAX_UPSTREAMS,
    METHODS,
)
from nginxlog_exporter.examples import EXAMPLES
from nginxlog_exporter.follow import RESETS
from nginxlog_exporter.parse.log_format import SUBSTITUTES
from nginxlog_exporter.pools.pool_map import NONE, UNKNOWN
from nginxlog_exporter.settings import FEATURES
from nginxlog_exporter.tail.block import GAPS, ROTATIONS
from nginxlog_exporter.tail.file_counters import REASONS

COUNTER, HISTOGRAM, GAUGE = "counter", "histogram", "gauge"
HISTOGRAM_SERIES = ("_bucket", "_sum", "_count")


class Label(NamedTuple):
    """What a label tells and which values it can have."""

    meaning: str
    values: str


class Metric(NamedTuple):
    """One family as the page shows it; `needs` are variables of the log_format."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str
    needs: tuple[str, ...] = ()


def metrics() -> list[Metric]:
    """Return every family of the catalogue."""
    return [
        Metric(family.name, type_, family.labels, family.meaning, family.needs)
        for type_, families in (
            (COUNTER, (*COUNTERS, *PROCESS_COUNTERS)),
            (HISTOGRAM, HISTOGRAMS),
            (GAUGE, GAUGES),
        )
        for family in families
    ]


def process_metrics() -> list[Metric]:
    """Return the families that prometheus_client adds about the process."""
    found = ProcessCollector(registry=None).collect()
    return [
        Metric(f.name + "_total" * (f.type == COUNTER), f.type, (), f.documentation) for f in found
    ]


def page() -> str:
    """Return docs/metrics.md."""
    own = [metric for metric in metrics() if metric.name.startswith("nginxlog_exporter_")]
    sections = [
        ("The traffic", _TRAFFIC, [metric for metric in metrics() if metric not in own]),
        ("The exporter itself", _ITSELF, own),
        ("The exporter's process", _PROCESS, process_metrics()),
    ]
    parts = [_HEAD, "## All metrics", _table(("metric", "type", "labels"), _index(sections))]
    parts += ["## Labels", _table(("label", "meaning", "values"), _labels())]
    for title, text, shown in sections:
        parts += [f"## {title}", text, *(part for metric in shown for part in _section(metric))]
    return "\n\n".join(parts) + "\n"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


LABELS = {
    "pool": Label(
        "the pool of the request's last attempt, whose answer the client got",
        f"the configured names, `{NONE}` (nginx itself answered), `{UNKNOWN}` (no pattern fits);"
        " without `NGINXLOG_POOLS` the same as `upstream`",
    ),
    "class": Label("the first digit of the status", _listed(CLASSES)),
    "method": Label(
        "the request's method",
        f"{_listed(sorted(METHODS))}, `{OTHER}`; also where a pool has more than {MAX_REQUESTS}"
        " combinations of method and status",
    ),
    "status": Label(
        "the status the client got, or for an attempt the one the server gave",
        f"those of HTTP and of nginx (`444`, `494` to `499`), `{OTHER}`; for attempts also `{NONE}`"
        " (the server gave none)",
    ),
    "upstream": Label(
        "the address of a server as nginx writes it",
        f"the first {MAX_UPSTREAMS} that appear, then `{OTHER}`; also where a pool has more than"
        f" {MAX_ATTEMPTS} combinations of server and status",
    ),
    "group": Label(
        "the name of an `upstream` block; of pools, what stands before the slash in their names",
        f"the pools, and the first {MAX_GROUPS} names that appear, then `{OTHER}`; of pools without"
        " a slash none",
    ),
    "outcome": Label(
        "how a request with several attempts ended", "`saved`, `failed` (the client got 5xx)"
    ),
    "from": Label("the pool that was active before", "the configured pools"),
    "to": Label("the pool that became active", "the configured pools"),
    "release": Label(
        "what the pool last sent as `X-Release-Id`",
        f"one per pool at a time; {MAX_RELEASES} since the start, then `{OTHER}`",
    ),
    "file": Label("the log's path", "as configured"),
    "result": Label("what became of a line", "`parsed` (counted as a request), `unparsed`"),
    "kind": Label("how the log was rotated", _listed(ROTATIONS)),
    "reason": Label(
        "why a line is unparsed, why lines may be missing, why counters began anew",
        f"unparsed: {_listed(REASONS)}; missing: {_listed(GAPS)}; begun anew: {_listed(RESETS)}",
    ),
    "route": Label("the template that the URI fits", f"`NGINXLOG_ROUTES`, `{OTHER}`"),
    "label": Label("the label that says `other` instead of a name", _listed(FOLDED)),
    "version": Label("the exporter's version", "one"),
}

# Private

_HEAD = """# Metrics

<!-- Generated from the exporter's code by `python3 -m teal docs`: edit it there. -->

What `nginxlog-exporter` publishes. Names, types and labels are an interface: they change with the
major version only. A family that needs a variable which the `log_format` does not have is not
exposed; `--check-config` names those."""
_TRAFFIC = "One line of the log is one request. Times are log time, not the time of reading."
_ITSELF = "Is the log read, to its end, and is nothing lost."
_PROCESS = """Added by prometheus_client. Many other programs have metrics of these names, hence the
`and on (instance)`."""
_WHAT_ELSE_GIVES_IT = {"desired": "`NGINXLOG_DESIRED_DIR`"} | {
    name: f"`${other}`" for name, other in SUBSTITUTES.items()
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _index(sections: list[tuple[str, str, list[Metric]]]) -> Iterator[tuple[str, ...]]:
    for _, _, shown in sections:
        for metric in shown:
            yield f"[`{metric.name}`](#{metric.name})", metric.type, _listed(metric.labels)


def _labels() -> Iterator[tuple[str, ...]]:
    return ((f"`{name}`", label.meaning, label.values) for name, label in LABELS.items())


def _section(metric: Metric) -> list[str]:
    example = EXAMPLES[metric.name]
    labels = f", by {_listed(metric.labels)}" if metric.labels else ""
    parts = [f"### {metric.name}", f"{metric.type.capitalize()}{labels}. {metric.meaning}"]
    if metric.type == HISTOGRAM:
        series = _listed(f"…{suffix}" for suffix in HISTOGRAM_SERIES)
        parts.append(f"Its series: {series}; `le` is one of `NGINXLOG_BUCKETS`, or `+Inf`.")
    if metric.needs:
        parts.append(f"Needs {', '.join(map(_need, metric.needs))}.")
    return [*parts, f"{example.question}\n\n```promql\n{example.query}\n```"]


def _need(variable: str) -> str:
    if variable in FEATURES:
        return f"`NGINXLOG_{variable.upper()}`"
    other = _WHAT_ELSE_GIVES_IT.get(variable)
    return f"`${variable}`" + (f" (or {other})" if other else "")


if __name__ == "__main__":
    print(page(), end="")
