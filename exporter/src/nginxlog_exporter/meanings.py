"""What the label texts of rows mean, looked up once per distinct text; every label set is closed.

The first upstreams, groups and releases are let in by name, all later ones are called `other`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nginxlog_exporter.admission import MOST_ATTEMPTS, MOST_REQUESTS, Admission, Combinations
from nginxlog_exporter.logformat import LineFormat, Texts
from nginxlog_exporter.parse import OTHER, Request, interpret
from nginxlog_exporter.pools import PoolMap

MAX_UPSTREAMS = 64
MAX_GROUPS = 64
MAX_RELEASES = 32
# Labels that may be folded to `other`.
FOLDED = ("method", "status", "upstream", "group", "release")


class Timing(NamedTuple):
    """Whose durations a line tells; lines with the same one are timed alike."""

    pool: str
    # Whether its durations are those of an ordinary request.
    timed: bool
    # The place in nginx's lists, and the pool, of each attempt.
    attempts: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, request: Request) -> "Timing":
        """Return whose durations a request tells."""
        return cls(request.pool, request.timed, tuple((a.place, a.pool) for a in request.attempts))


class Meaning(NamedTuple):
    """What rows with some label texts are counted as."""

    request: Request
    timing: Timing
    # The labels that say `other` instead of a name.
    folded: tuple[str, ...]


class Meanings:
    """Label texts -> meanings. A client that invents methods cannot fill the memory."""

    def __init__(self, line_format: LineFormat, pools: PoolMap) -> None:
        self._format = line_format
        self._pools = pools
        self._meanings: dict[Texts, Meaning] = {}
        self._admit_upstream = Admission(MAX_UPSTREAMS)
        self._admit_group = Admission(MAX_GROUPS)
        self._admit_release = Admission(MAX_RELEASES)
        # With those that are no pool of the settings, if there are any.
        names = len(pools.names) + 2 if pools.names else 0
        self._admit_attempt = Combinations(MOST_ATTEMPTS, names)
        self._admit_request = Combinations(MOST_REQUESTS, names)

    def of(self, texts: Iterable[Texts]) -> Mapping[Texts, Meaning]:
        """Return what these texts mean, and perhaps others."""
        if len(self._meanings) > _MOST_TEXTS:
            self._meanings.clear()
        for text in texts:
            if text not in self._meanings:
                request = self._admitted(interpret(self._format.labels.decode(text), self._pools))
                self._meanings[text] = Meaning(request, Timing.of(request), _folded(request))
        return self._meanings

    def keep(
        self,
        *,
        attempts: Iterable[tuple[str, str, str]],
        requests: Iterable[tuple[str, str, str]],
        groups: Iterable[str],
    ) -> None:
        """Let in the names that counters have already; those are (pool, ...) as they are shown.

        Releases start afresh: only the current ones are shown, and a stack that was deployed often
        must not run out of names.
        """
        for pool, upstream, status in attempts:
            self._admit_upstream(upstream)
            self._admit_attempt(pool, upstream, status)
        for pool, method, status in requests:
            self._admit_request(pool, method, status)
        for group in groups:
            self._admit_group(group)

    # Private

    def _admitted(self, request: Request) -> Request:
        attempts = []
        for attempt in request.attempts:
            upstream = self._admit_upstream(attempt.upstream)
            pool = attempt.pool if self._pools.patterns else upstream
            if not self._admit_attempt(pool, upstream, attempt.status):
                # Rather not which server than not which pool and status.
                upstream = OTHER
            attempts.append(attempt._replace(upstream=upstream, pool=pool))
        pool = attempts[-1].pool if attempts else request.pool
        is_admitted = self._admit_request(pool, request.method, request.status)
        return request._replace(
            attempts=tuple(attempts),
            pool=pool,
            method=request.method if is_admitted else OTHER,
            groups=tuple(map(self._admit_group, request.groups)),
            release=self._admit_release(request.release) if request.release else None,
        )


# Private

_MOST_TEXTS = 4096


def _folded(request: Request) -> tuple[str, ...]:
    return (
        *(["method"] if request.method == OTHER else []),
        *(["status"] if request.status == OTHER else []),
        *("upstream" for attempt in request.attempts if attempt.upstream == OTHER),
        *("group" for group in request.groups if group == OTHER),
        *(["release"] if request.release == OTHER else []),
    )
