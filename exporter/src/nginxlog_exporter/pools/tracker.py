"""Tracks pools in the order of the log: the active and desired pool, releases, the last requests.

Times are those of the log, in seconds since the epoch, 0 where it has none.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import compress, islice
from typing import Any

from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.records import Parsed, Request, Row, Texts, Times
from nginxlog_exporter.parse.values import seconds
from nginxlog_exporter.pools.active import ActivePool
from nginxlog_exporter.pools.desired import Declared
from nginxlog_exporter.pools.pool_map import PoolMap, group_of

# Nearly always one of the last rows of a block began last.
_LAST_ROWS = 8


class PoolTracker:
    """Follows rows in the order of the log; attributes are read by whoever exposes them."""

    def __init__(
        self,
        line_format: LineFormat,
        pools: PoolMap,
        times: Callable[[Texts], Times],
        *,
        window: int,
        active_after: int,
    ) -> None:
        self._times = times
        self._time_texts = line_format.times.of
        self._ends_at = line_format.columns.get("msec")
        # Group of pools -> the pool that serves.
        self.active = {
            group: ActivePool(members, active_after) for group, members in pools.groups.items()
        }
        # Group of pools -> the declared pool as the log says it.
        self.declared = dict.fromkeys(pools.groups, Declared())
        # Pool -> start of the request that started last; pool -> what it runs now.
        self.last_started = dict.fromkeys(pools.names, 0.0)
        self.releases: dict[str, str] = {}
        # The classes of the last requests.
        self.window: deque[str] = deque(maxlen=window)

    def follow(self, parsed: Parsed, requests: Mapping[Texts, Request]) -> None:
        """Take note of rows that follow those before. `requests` has each of `parsed.counts`."""
        rows, labels = parsed.rows, parsed.labels
        assert self.window.maxlen is not None  # noqa: S101 - set when it was made
        classes = {text: request.status_class for text, request in requests.items()}
        self.window.extend(map(classes.__getitem__, labels[-self.window.maxlen :]))
        self._follow_releases(labels, requests)
        # Nearly always nothing changes, and then the rows need not be walked through.
        if any(self._is_declared_anew(request) for request in requests.values()):
            for row, text in zip(rows, labels, strict=True):
                self._follow_declared(row, requests[text])
        at = 0
        while at < len(rows):
            at = self._follow_active(at, rows, labels, requests)

    def end_of(self, row: Row) -> float:
        """Return when the request of a row ended."""
        return seconds(row[self._ends_at]) if self._ends_at is not None else 0.0

    def started(self, pool: str, rows: Sequence[Row]) -> None:
        """Take note of when requests of a pool started, `rows` in the order of the log."""
        if pool not in self.last_started or self._ends_at is None:
            return
        latest = max(map(self._start_of, rows[-_LAST_ROWS:]))
        # Who ended before that began before that. As text, because nginx writes all times alike.
        ended = b"%.3f" % latest
        column = self._ends_at
        others = [row for row in rows[:-_LAST_ROWS] if row[column] > ended]
        self.last_started[pool] = max(self.last_started[pool], latest, *map(self._start_of, others))

    def to_state(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "active": {group: active.to_state() for group, active in self.active.items()},
            "declared": {group: list(declared) for group, declared in self.declared.items()},
            "last_started": self.last_started,
            "releases": self.releases,
            "window": list(self.window),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned; what is missing began later.

        Raises AttributeError, KeyError, TypeError or ValueError.
        """
        for group, active in self.active.items():
            active.restore(state.get("active", {}).get(group, {}))
            self.declared[group] = Declared(*state.get("declared", {}).get(group, ()))
        self.last_started.update(state.get("last_started", {}))
        self.releases = dict(state.get("releases", {}))
        self.window.extend(state.get("window", ()))

    # Private

    def _start_of(self, row: Row) -> float:
        took = self._times(self._time_texts(row)).request
        # Rounded, so that equal times are equal numbers.
        return round(self.end_of(row) - (took or 0) / 1000, 3)

    def _follow_releases(self, labels: Sequence[Texts], requests: Mapping[Texts, Request]) -> None:
        seen = {
            text: (request.pool, request.release)
            for text, request in requests.items()
            if request.release and request.pool in self.last_started
        }
        changed = set(seen.values()) - set(self.releases.items())
        if changed:
            last = {text: index for index, text in enumerate(labels) if text in seen}
            self.releases.update(seen[text] for text in sorted(last, key=last.__getitem__))

    def _is_declared_anew(self, request: Request) -> bool:
        desired = request.desired
        return desired in self.last_started and desired != self.declared[group_of(desired)].pool

    def _follow_declared(self, row: Row, request: Request) -> None:
        if request.desired and self._is_declared_anew(request):
            group, started = group_of(request.desired), self._start_of(row)
            # nginx looks at the declaration when a request begins: a late line is old news.
            if started >= self.declared[group].changed_at:
                self.declared[group] = Declared(request.desired, started)

    def _follow_active(
        self,
        start: int,
        rows: Sequence[Row],
        labels: Sequence[Texts],
        requests: Mapping[Texts, Request],
    ) -> int:
        """Follow the rows from an index on until an active pool changes; return where to go on.

        Only requests that another pool served are looked at, and whether the active one served any
        between them.
        """
        served = {text: group_of(r.pool) for text, r in requests.items() if r.served}
        against = {
            t for t, group in served.items() if requests[t].pool != self.active[group].active
        }
        looked_at = dict.fromkeys(served.values(), start)
        indexes = range(start, len(labels))
        challenges = map(against.__contains__, islice(labels, start, None))
        for index in compress(indexes, challenges) if against else ():
            text = labels[index]
            group = served[text]
            active = self.active[group]
            between = labels[looked_at[group] : index]
            if any(served.get(other) == group and other not in against for other in between):
                active.confirm()
            looked_at[group] = index + 1
            before = active.active
            active.challenge(
                requests[text].pool,
                started=self._start_of(rows[index]),
                ended=self.end_of(rows[index]),
            )
            if active.active != before:
                return index + 1
        for group, index in looked_at.items():
            if any(served.get(t) == group and t not in against for t in labels[index:]):
                self.active[group].confirm()
        return len(labels)
