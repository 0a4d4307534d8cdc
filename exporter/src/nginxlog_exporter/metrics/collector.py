"""Counters -> samples, built only when somebody asks.

Persist before expose: a scrape is served from counters that are already on the disk. Otherwise a
kill would take a counter back below what Prometheus has seen, which counts the whole of it again.
Only when the disk refuses are counters exposed that are not durable: seeing is worth more then. Not
even then is exposed what reading the log again would not give: rotations and gaps wait for the
disk.
"""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from nginxlog_exporter.count.histogram import Histogram
from nginxlog_exporter.metrics.families import COUNTERS, GAUGES, HISTOGRAMS, PROCESS_COUNTERS
from nginxlog_exporter.metrics.family import Family
from nginxlog_exporter.metrics.source import Source
from nginxlog_exporter.metrics.zero_initialise import Scraper, Series

ANYBODY = Scraper()


def metrics(
    source: Source,
    *,
    for_prometheus: bool,
    with_exemplars: bool = False,
    scraper: Scraper = ANYBODY,
) -> list[Metric]:
    """Return all families of one moment, durable if the disk allows.

    Prometheus gets each new counter as 0 once, so that its first increment is seen, and so does
    every other `scraper` like it; a person's look at the page must not use that up, so anybody else
    gets the true number and changes nothing.
    """
    with source.lock:
        source.exemplars.wanted |= with_exemplars
        new = source.zero_initialise(_series(source), scraper) if for_prometheus else set()
        source.save()
        return [
            *(_counter(family, source, new) for family in _shown(COUNTERS, source)),
            *(_counter(family, source, set()) for family in PROCESS_COUNTERS),
            *(_histogram(family, source, new) for family in _shown(HISTOGRAMS, source)),
            *(_gauge(family, source) for family in _shown(GAUGES, source)),
        ]


# Private

HAS_EXEMPLARS = "nginxlog_http_request_duration_seconds"
_New = set[Series]


def _shown(families: tuple[Family, ...], source: Source) -> list[Family]:
    return [family for family in families if source.knows(family.needs)]


def _series(source: Source) -> Iterator[Series]:
    for family in _shown((*COUNTERS, *HISTOGRAMS), source):
        for labels, _ in family.read(source):
            yield family.name, labels


def _counter(family: Family, source: Source, new: _New) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.label_names)
    for labels, value in family.read(source):
        metric.add_metric(labels, 0 if (family.name, labels) in new else value)
    return metric


def _gauge(family: Family, source: Source) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.label_names)
    for labels, value in family.read(source):
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family, source: Source, new: _New) -> Metric:
    """Return a histogram; exemplars are left out by encoders whose format has none."""
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.label_names)
    for labels, value in family.read(source):
        is_new = (family.name, labels) in new
        shown = Histogram(value.bounds) if is_new else value
        counts, total = shown.read()
        limits = [*map(floatToGoString, shown.bounds), "+Inf"]
        if family.name == HAS_EXEMPLARS and not is_new:
            exemplars = source.exemplars.of(labels[0], len(limits))
        else:
            exemplars = [None] * len(limits)
        buckets = list(zip(limits, counts, exemplars, strict=True))
        metric.add_metric(labels, buckets, total)  # type: ignore[arg-type]  # None is no exemplar
    return metric
