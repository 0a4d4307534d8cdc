"""Step 3 of the path: rows -> counters. Pure: no clock, no file, no Prometheus.

A block is counted by group, not by line: rows with equal label texts mean the same, so that per
line only built-in functions run. What depends on order (the window, the active pool, the release)
is done last, over the rows in the order of the log. How the log is cut into blocks changes
nothing.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from nginxlog_exporter.admission import Admission
from nginxlog_exporter.columns import differences, seconds, total
from nginxlog_exporter.histogram import Histogram
from nginxlog_exporter.logformat import LineFormat, Row
from nginxlog_exporter.parse import CLASSES, Request, interpret, split_list
from nginxlog_exporter.pools import NONE, UNKNOWN, ActivePool, PoolMap

MAX_UPSTREAMS = 64
MAX_RELEASES = 32


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What decides how lines are counted."""

    pools: PoolMap
    buckets: tuple[float, ...]
    # How many requests the window of last responses holds.
    window: int
    # How many requests in a row make another pool the active one.
    active_after: int


class Aggregate:
    """All that was counted, as plain numbers; attributes are read by whoever exposes them."""

    def __init__(self, shape: Shape, line_format: LineFormat) -> None:
        self._shape = shape
        self._format = line_format
        names = shape.pools.names
        self.pools = (*names, NONE, UNKNOWN)
        self.responses = Counter({(pool, c): 0 for pool in self.pools for c in CLASSES})
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.attempts: Counter[tuple[str, str, str]] = Counter()
        self.retried = Counter({("saved",): 0, ("failed",): 0})
        # Groups are usually called like pools; others are added when they appear.
        self.unavailable = Counter({(name,): 0 for name in names})
        self.response_bytes = Counter({(pool,): 0 for pool in self.pools})
        self.request_bytes = Counter({(pool,): 0 for pool in self.pools})
        self.durations = self._histograms()
        self.upstream_durations = self._histograms()
        self.connect_durations = self._histograms()
        self.active = ActivePool(names, shape.active_after)
        # The declared pool as the log tells it, and since when (log time).
        self.desired: str | None = None
        self.desired_changed_at = 0.0
        # Pool -> start of the request that started last; pool -> what it runs now.
        self.last_started = dict.fromkeys(names, 0.0)
        self.releases: dict[str, str] = {}
        self.window: deque[str] = deque(maxlen=shape.window)
        self._admit_upstream = Admission(MAX_UPSTREAMS)
        self._admit_release = Admission(MAX_RELEASES)
        self._meanings: dict[bytes | Row, Request] = {}

    def add(self, rows: Sequence[Row]) -> None:
        """Count rows that follow those added before."""
        if not rows:
            return
        labels = list(map(self._format.label_texts, rows))
        groups: defaultdict[bytes | Row, list[Row]] = defaultdict(list)
        for text, row in zip(labels, rows, strict=True):
            groups[text].append(row)
        if len(self._meanings) > _MOST_MEANINGS:
            self._meanings.clear()
        for text, members in groups.items():
            self._count(self._meaning(text), members)
        self._follow(labels, rows)

    def last_time(self, rows: Sequence[Row]) -> float:
        """Return the log time of the last row (seconds since the epoch), 0 if it tells none."""
        return sum(seconds(text) for text in self._column("msec", rows[-1:]))

    def to_state(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "counters": {name: _pairs(getattr(self, name)) for name in _COUNTERS},
            "histograms": {
                name: {pool: h.to_state() for pool, h in getattr(self, name).items()}
                for name in _HISTOGRAMS
            },
            "active": {
                "active": self.active.active,
                "changed_at": self.active.changed_at,
                "changes": _pairs(self.active.changes),
                "candidate": self.active.candidate,
                "streak": self.active.streak,
            },
            "desired": self.desired,
            "desired_changed_at": self.desired_changed_at,
            "last_started": self.last_started,
            "releases": self.releases,
            "window": list(self.window),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned. Raises KeyError, TypeError or ValueError."""
        for name in _COUNTERS:
            getattr(self, name).update(_unpaired(state["counters"][name]))
        for name in _HISTOGRAMS:
            for pool, histogram in getattr(self, name).items():
                histogram.restore(state["histograms"][name][pool])
        active = dict(state["active"], changes=_unpaired(state["active"]["changes"]))
        self.active = ActivePool(self._shape.pools.names, self._shape.active_after, **active)
        self.desired = state["desired"]
        self.desired_changed_at = state["desired_changed_at"]
        self.last_started.update(state["last_started"])
        self.releases = dict(state["releases"])
        self.window.extend(state["window"])
        # What has a place keeps it. Releases start afresh: only the current ones are shown, and a
        # stack that was deployed often must not run out of names.
        for _, upstream, _ in self.attempts:
            self._admit_upstream(upstream)

    # Private

    def _histograms(self) -> dict[str, Histogram]:
        return {pool: Histogram(self._shape.buckets) for pool in self.pools}

    def _meaning(self, text: bytes | Row) -> Request:
        if text not in self._meanings:
            request = interpret(self._format.decode(text), self._shape.pools)
            attempts = tuple(
                attempt._replace(upstream=self._admit_upstream(attempt.upstream))
                for attempt in request.attempts
            )
            groups = tuple(map(self._admit_upstream, request.groups))
            self._meanings[text] = request._replace(attempts=attempts, groups=groups)
        return self._meanings[text]

    def _column(self, field: str, rows: Sequence[Row]) -> Sequence[bytes]:
        place = self._format.columns.get(field)
        return () if place is None else [row[place] for row in rows]

    def _count(self, request: Request, rows: Sequence[Row]) -> None:
        pool, count = request.pool, len(rows)
        self.responses[pool, request.status_class] += count
        self.requests[pool, request.method, request.status] += count
        self.response_bytes[pool,] += total(self._column("bytes_sent", rows))
        self.request_bytes[pool,] += total(self._column("request_length", rows))
        for attempt in request.attempts:
            self.attempts[attempt.pool, attempt.upstream, attempt.status] += count
        for group in request.groups:
            self.unavailable[group,] += count
        if request.retried:
            self.retried[request.retried,] += count
        if request.timed:
            self.durations[pool].observe(self._column("request_time", rows))
            self._time_attempts(request, rows)
        if pool in self.last_started:
            self.last_started[pool] = max([self.last_started[pool], *self._starts(rows)])

    def _time_attempts(self, request: Request, rows: Sequence[Row]) -> None:
        for histograms, field in (
            (self.upstream_durations, "upstream_response_time"),
            (self.connect_durations, "upstream_connect_time"),
        ):
            column = self._column(field, rows)
            if len(request.attempts) == 1 and request.attempts[0].place == 0 and not request.groups:
                histograms[request.pool].observe(column)
                continue
            lists = [split_list(text.decode()) for text in column]
            for attempt in request.attempts:
                times = (times[attempt.place] for times in lists if len(times) > attempt.place)
                histograms[attempt.pool].observe(text.encode() for text in times)

    def _starts(self, rows: Sequence[Row]) -> list[float]:
        """Return when the requests began (seconds since the epoch)."""
        return differences(self._column("msec", rows), self._column("request_time", rows))

    def _times(self, row: Row) -> tuple[float, float]:
        """Return when a request began and ended, 0 for both if the log has no time."""
        return sum(self._starts([row])), self.last_time([row])

    def _follow(self, labels: Sequence[bytes | Row], rows: Sequence[Row]) -> None:
        """Note what depends on the order of the rows."""
        newest = labels[-self._shape.window :]
        self.window.extend(self._meanings[text].status_class for text in newest)
        last_place = dict(zip(labels, count(), strict=False))
        requests = [self._meanings[text] for text in sorted(last_place, key=last_place.__getitem__)]
        for request in requests:
            if request.release and request.pool in self._shape.pools.names:
                self.releases[request.pool] = self._admit_release(request.release)
        serving = {request.pool for request in requests if request.served}
        declared = {request.desired for request in requests}.intersection(self._shape.pools.names)
        # Nearly always nothing changes, and then the rows need not be walked through.
        if serving == {self.active.active}:
            self.active.confirm()
        elif serving:
            self._follow_active(labels, rows)
        if declared - {self.desired}:
            self._follow_desired(labels, rows)

    def _follow_active(self, labels: Sequence[bytes | Row], rows: Sequence[Row]) -> None:
        active, meanings = self.active, self._meanings
        for text, row in zip(labels, rows, strict=True):
            request = meanings[text]
            if not request.served:
                continue
            if request.pool == active.active:
                active.confirm()
            else:
                started, ended = self._times(row)
                active.challenge(request.pool, started=started, ended=ended)

    def _follow_desired(self, labels: Sequence[bytes | Row], rows: Sequence[Row]) -> None:
        for text, row in zip(labels, rows, strict=True):
            desired = self._meanings[text].desired
            if desired != self.desired and desired in self._shape.pools.names:
                # nginx looks at the declaration when a request begins: a late line is old news.
                started, _ = self._times(row)
                if started >= self.desired_changed_at:
                    self.desired, self.desired_changed_at = desired, started


_COUNTERS = (
    "responses",
    "requests",
    "attempts",
    "retried",
    "unavailable",
    "response_bytes",
    "request_bytes",
)
_HISTOGRAMS = ("durations", "upstream_durations", "connect_durations")
# Label texts whose meaning is kept at hand; a client that invents methods cannot fill the memory.
_MOST_MEANINGS = 4096


def _pairs(counts: Mapping[Any, int]) -> list[list[Any]]:
    """Return a mapping as JSON has it: a list of [labels, count]."""
    return [[list(labels), count] for labels, count in counts.items()]


def _unpaired(pairs: Iterable[Sequence[Any]]) -> dict[Any, int]:
    return {tuple(labels): int(count) for labels, count in pairs}
