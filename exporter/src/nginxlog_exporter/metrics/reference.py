"""docs/metrics.md: what the families say, for a person to read. Printed by running this module."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import ProcessCollector

from nginxlog_exporter.metrics.families import COUNTERS, GAUGES, HISTOGRAMS, PROCESS_COUNTERS
from nginxlog_exporter.metrics.family import COUNTER, FEATURES, HISTOGRAM, Example, Label
from nginxlog_exporter.metrics.health import HEALTH
from nginxlog_exporter.metrics.labels import listed
from nginxlog_exporter.metrics.traffic import TRAFFIC
from nginxlog_exporter.parse.log_format import SUBSTITUTES

HISTOGRAM_SERIES = ("_bucket", "_sum", "_count")


class Metric(NamedTuple):
    """One family as the page shows it; of ours or of prometheus_client."""

    name: str
    type: str
    labels: tuple[Label, ...]
    meaning: str
    example: Example
    needs: tuple[str, ...] = ()


def metrics() -> list[Metric]:
    """Return every family of ours, by type."""
    return [
        Metric(one.name, one.type, one.labels, one.meaning, one.example, one.needs)
        for one in (*COUNTERS, *PROCESS_COUNTERS, *HISTOGRAMS, *GAUGES)
    ]


def process_metrics() -> list[Metric]:
    """Return the families that prometheus_client adds about the process."""
    found = [
        (one.name + "_total" * (one.type == COUNTER), one)
        for one in ProcessCollector(registry=None).collect()
    ]
    return [
        Metric(name, one.type, (), one.documentation, _PROCESS_EXAMPLES[name])
        for name, one in found
    ]


def page() -> str:
    """Return docs/metrics.md."""
    traffic, health = ({one.name for one in families} for families in (TRAFFIC, HEALTH))
    sections = [
        ("The traffic", _TRAFFIC, [one for one in metrics() if one.name in traffic]),
        ("The exporter itself", _HEALTH, [one for one in metrics() if one.name in health]),
        ("The exporter's process", _PROCESS, process_metrics()),
    ]
    parts = [_HEAD, "## All metrics", _table(("metric", "type", "labels"), _index(sections))]
    parts += ["## Labels", _table(("label", "meaning", "values"), _labels())]
    for title, text, shown in sections:
        parts += [f"## {title}", text, *(part for metric in shown for part in _section(metric))]
    return "\n\n".join(parts) + "\n"


# Private

_HEAD = """# Metrics

<!-- Generated from the exporter's code by `make docs`: edit it there. -->

What `nginxlog-exporter` publishes. Names, types and labels are an interface: they change with the
major version only. A family that needs a variable which the `log_format` does not have is not
exposed; `--check-config` names those."""
_TRAFFIC = "One line of the log is one request. Times are log time, not the time of reading."
_HEALTH = "Is the log read, to its end, and is nothing lost."
_PROCESS = """Added by prometheus_client. Many other programs have metrics of these names, hence the
`and on (instance)`."""
_WHAT_ELSE_GIVES_IT = {"desired": "`NGINXLOG_DESIRED_DIR`"} | {
    name: f"`${other}`" for name, other in SUBSTITUTES.items()
}
_PROCESS_EXAMPLES = {
    "process_cpu_seconds_total": Example(
        "What share of one CPU does the exporter use?",
        "rate(process_cpu_seconds_total[5m])\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_resident_memory_bytes": Example(
        "How much memory does it use?",
        "process_resident_memory_bytes\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_virtual_memory_bytes": Example(
        "How much address space has it mapped? (Not memory; rarely of interest.)",
        "process_virtual_memory_bytes\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_start_time_seconds": Example(
        "Was it started anew in the last ten minutes?",
        "time() - process_start_time_seconds < 600\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_open_fds": Example(
        "What share of the files it may open is open?",
        "process_open_fds / process_max_fds\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_max_fds": Example(
        "How many files may it open?",
        "process_max_fds\nand on (instance) nginxlog_exporter_build_info",
    ),
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _index(sections: Sequence[tuple[str, str, list[Metric]]]) -> Iterator[tuple[str, ...]]:
    for _, _, shown in sections:
        for metric in shown:
            yield f"[`{metric.name}`](#{metric.name})", metric.type, _names(metric.labels)


def _labels() -> Iterator[tuple[str, ...]]:
    """Yield each label once, in the order in which the families bring them up."""
    labels = dict.fromkeys(label for one in (*TRAFFIC, *HEALTH) for label in one.labels)
    return ((f"`{label.name}`", label.meaning, label.values) for label in labels)


def _section(metric: Metric) -> list[str]:
    labels = f", by {_names(metric.labels)}" if metric.labels else ""
    parts = [f"### {metric.name}", f"{metric.type.capitalize()}{labels}. {metric.meaning}"]
    if metric.type == HISTOGRAM:
        series = listed(f"…{suffix}" for suffix in HISTOGRAM_SERIES)
        parts.append(f"Its series: {series}; `le` is one of `NGINXLOG_BUCKETS`, or `+Inf`.")
    if metric.needs:
        parts.append(f"Needs {', '.join(map(_need, metric.needs))}.")
    return [*parts, f"{metric.example.question}\n\n```promql\n{metric.example.query}\n```"]


def _names(labels: Iterable[Label]) -> str:
    return listed(label.name for label in labels)


def _need(variable: str) -> str:
    if variable in FEATURES:
        return f"`NGINXLOG_{variable.upper()}`"
    other = _WHAT_ELSE_GIVES_IT.get(variable)
    return f"`${variable}`" + (f" (or {other})" if other else "")


if __name__ == "__main__":
    print(page(), end="")
