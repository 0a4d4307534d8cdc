"""Rows -> counters.

A block is counted by group, not by line: rows with equal label texts are classified alike, so that
only built-in functions run per line. What depends on the order is left to the pool tracker. How the
log is cut into blocks changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nginxlog_exporter.count.classifier import (
    CLASSES,
    FOLDED,
    Classified,
    RequestClassifier,
    Timing,
)
from nginxlog_exporter.count.durations import Durations
from nginxlog_exporter.count.routes import RouteCounters, Routes
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.records import Parsed, Row, Texts, Times
from nginxlog_exporter.parse.values import times as times_of
from nginxlog_exporter.parse.values import total
from nginxlog_exporter.pools.pool_map import NONE, UNKNOWN, PoolMap
from nginxlog_exporter.pools.tracker import PoolTracker


@dataclass(frozen=True, kw_only=True)
class CountingConfig:
    """The settings that decide how lines are counted."""

    pools: PoolMap
    # Upper bounds of the histograms, in seconds.
    buckets: tuple[float, ...]
    # How many requests the window of last responses holds.
    window: int
    # How many requests in a row make another pool the active one.
    active_after: int
    routes: Routes


class Aggregate:
    """All counters, as plain numbers by label values; metric families read the attributes.

    The names in _COUNTERS are attributes, and keys of the snapshot: they do not change.
    """

    def __init__(self, config: CountingConfig, line_format: LineFormat) -> None:
        self._format = line_format
        names = config.pools.names
        self.pools = (*names, NONE, *([UNKNOWN] if names else []))
        self.responses: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.attempts: Counter[tuple[str, str, str]] = Counter()
        self.retried = Counter({("saved",): 0, ("failed",): 0})
        # Groups are usually called like pools; others are added when they appear.
        self.unavailable = Counter({(name,): 0 for name in names})
        self.response_bytes: Counter[tuple[str]] = Counter()
        self.request_bytes: Counter[tuple[str]] = Counter()
        self.folded = Counter({(label,): 0 for label in FOLDED})
        # Decodes the texts of durations, the last ones from memory.
        self.times = times = lru_cache(_MAX_TIMES)(self._times)
        self.durations = Durations(self.pools, config.buckets, times)
        self.routes = RouteCounters(config.routes, config.buckets, line_format, times)
        self.tracker = PoolTracker(
            line_format,
            config.pools,
            times,
            window=config.window,
            active_after=config.active_after,
        )
        self.classifier = RequestClassifier(line_format, config.pools)
        for pool in self.pools:
            self._add_pool(pool)

    def add(self, parsed: Parsed) -> None:
        """Count a block that follows those added before."""
        if not parsed.rows:
            return
        rows, labels = parsed.rows, parsed.labels
        classified = self.classifier.of(parsed.counts)
        for text, times in parsed.counts.items():
            self._count(classified[text], times)
        timings = {text: classified[text].timing for text in parsed.counts}
        for timing, members in _by_timing(rows, labels, timings).items():
            self._measure(timing, members)
        self.routes.add(rows, labels, classified)
        self.tracker.follow(parsed, {text: classified[text].request for text in parsed.counts})

    def to_state(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "counters": {name: _pairs(getattr(self, name)) for name in _COUNTERS},
            "durations": self.durations.to_state(),
            "routes": self.routes.to_state(),
            "history": self.tracker.to_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned; what is missing began later.

        Raises AttributeError, KeyError, TypeError or ValueError.
        """
        counters = state.get("counters", {})
        for name in _COUNTERS:
            getattr(self, name).update(_unpaired(counters.get(name, ())))
        self.durations.restore(state.get("durations", {}))
        self.routes.restore(state.get("routes", {}))
        self.tracker.restore(state.get("history", {}))
        self.classifier.seed(
            attempts=self.attempts,
            requests=self.requests,
            groups=(group for (group,) in self.unavailable),
        )

    # Private

    def _times(self, text: Texts) -> Times:
        return times_of(self._format.times.decode(text))

    def _add_pool(self, pool: str) -> None:
        """Add a pool's counters as 0, so that they are exposed before they are counted up."""
        self.responses.update({(pool, status_class): 0 for status_class in CLASSES})
        self.response_bytes[pool,] = self.request_bytes[pool,] = 0

    def _count(self, classified: Classified, times: int) -> None:
        request = classified.request
        if (request.pool,) not in self.response_bytes:
            self._add_pool(request.pool)
        for attempt in request.attempts:
            self.attempts[attempt.pool, attempt.upstream, attempt.status] += times
        self.responses[request.pool, request.status_class] += times
        self.requests[request.pool, request.method, request.status] += times
        for group in request.groups:
            self.unavailable[group,] += times
        if request.retried:
            self.retried[request.retried,] += times
        for label in classified.folded:
            self.folded[label,] += times

    def _measure(self, timing: Timing, rows: Sequence[Row]) -> None:
        self.response_bytes[timing.pool,] += self._sum("bytes_sent", rows)
        self.request_bytes[timing.pool,] += self._sum("request_length", rows)
        self.durations.observe(timing, map(self._format.times.of, rows))
        self.tracker.started(timing.pool, rows)

    def _sum(self, field: str, rows: Sequence[Row]) -> int:
        column = self._format.columns.get(field)
        return 0 if column is None else total([row[column] for row in rows])


_COUNTERS = (
    "responses",
    "requests",
    "attempts",
    "retried",
    "unavailable",
    "response_bytes",
    "request_bytes",
    "folded",
)
_MAX_TIMES = 4096


def _by_timing(
    rows: Sequence[Row], labels: Sequence[Texts], timings: Mapping[Texts, Timing]
) -> Mapping[Timing, Sequence[Row]]:
    first = timings[labels[0]]
    if all(timing == first for timing in timings.values()):
        return {first: rows}
    members: defaultdict[Timing, list[Row]] = defaultdict(list)
    add = {text: members[timing].append for text, timing in timings.items()}
    for text, row in zip(labels, rows, strict=True):
        add[text](row)
    return members


def _pairs(counts: Mapping[Any, int]) -> list[list[Any]]:
    """Return a mapping as JSON has it: a list of [labels, count]."""
    return [[list(labels), count] for labels, count in counts.items()]


def _unpaired(pairs: Iterable[Sequence[Any]]) -> dict[Any, int]:
    return {tuple(labels): int(count) for labels, count in pairs}
