"""Step 4 of the path: counters -> Prometheus samples, built only when somebody asks.

Persist before expose: a scrape is served from counters that are already on the disk. Otherwise a
kill would take a counter back below what Prometheus has seen, which counts the whole of it again.
Only when the disk refuses are counters shown that are not durable: seeing is worth more then. Not
even then is shown what could not be had from the log again: rotations and gaps wait for the disk.
"""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from nginxlog_exporter.catalogue import COUNTERS, GAUGES, HISTOGRAMS, PROCESS_COUNTERS, Family
from nginxlog_exporter.count.histogram import Histogram
from nginxlog_exporter.follow import Follower
from nginxlog_exporter.readers import Reader, Series

ANYBODY = Reader()


def metrics(
    follower: Follower,
    *,
    for_prometheus: bool,
    with_exemplars: bool = False,
    reader: Reader = ANYBODY,
) -> list[Metric]:
    """Return all families of one moment, durable if the disk allows.

    Prometheus gets each new counter as 0 once, so that its first increment is seen, and so does
    every other `reader` like it; a person's look at the page must not use that up, so anybody else
    gets the true number and changes nothing.
    """
    with follower.lock:
        follower.exemplars.wanted |= with_exemplars
        new = follower.announce(_children(follower), reader) if for_prometheus else set()
        follower.save()
        return [
            *(_counter(family, follower, new) for family in _shown(COUNTERS, follower)),
            *(_counter(family, follower, set()) for family in PROCESS_COUNTERS),
            *(_histogram(family, follower, new) for family in _shown(HISTOGRAMS, follower)),
            *(_gauge(family, follower) for family in _shown(GAUGES, follower)),
        ]


# Private

HAS_EXEMPLARS = "nginxlog_http_request_duration_seconds"
_Children = set[Series]


def _shown(families: tuple[Family, ...], follower: Follower) -> list[Family]:
    return [family for family in families if follower.knows(family.needs)]


def _children(follower: Follower) -> Iterator[Series]:
    for family in _shown((*COUNTERS, *HISTOGRAMS), follower):
        for labels, _ in family.read(follower):
            yield family.name, labels


def _counter(family: Family, follower: Follower, new: _Children) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in family.read(follower):
        metric.add_metric(labels, 0 if (family.name, labels) in new else value)
    return metric


def _gauge(family: Family, follower: Follower) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in family.read(follower):
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family, follower: Follower, new: _Children) -> Metric:
    """Return a histogram; exemplars are left out by encoders whose format has none."""
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in family.read(follower):
        is_new = (family.name, labels) in new
        shown = Histogram(value.bounds) if is_new else value
        counts, total = shown.read()
        limits = [*map(floatToGoString, shown.bounds), "+Inf"]
        if family.name == HAS_EXEMPLARS and not is_new:
            exemplars = follower.exemplars.of(labels[0], len(limits))
        else:
            exemplars = [None] * len(limits)
        buckets = list(zip(limits, counts, exemplars, strict=True))
        metric.add_metric(labels, buckets, total)  # type: ignore[arg-type]  # None is no exemplar
    return metric
