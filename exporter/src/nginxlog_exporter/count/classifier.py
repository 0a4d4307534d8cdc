"""Classifies requests by their label texts, once per distinct text. Every label set is closed.

The first upstreams, groups and releases keep their names, all later ones are counted as `other`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nginxlog_exporter.count.cardinality import (
    MAX_ATTEMPTS,
    MAX_REQUESTS,
    OTHER,
    CardinalityLimiter,
    CombinationLimiter,
)
from nginxlog_exporter.count.statuses import STATUSES
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.records import Attempt, Request, Texts
from nginxlog_exporter.parse.values import present, split_list
from nginxlog_exporter.pools.pool_map import NONE, PoolMap, is_address

METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
)
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", OTHER)
FAILED = "5xx"
SWITCHING_PROTOCOLS = "101"
CLIENT_CLOSED_REQUEST = "499"

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
    # The index in nginx's lists, and the pool, of each attempt.
    attempts: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, request: Request) -> "Timing":
        """Return whose durations a request tells."""
        return cls(
            request.pool, request.timed, tuple((a.position, a.pool) for a in request.attempts)
        )


class Classified(NamedTuple):
    """What rows with the same label texts are counted as."""

    request: Request
    timing: Timing
    # The labels that say `other` instead of a name.
    folded: tuple[str, ...]


class RequestClassifier:
    """Label texts -> Classified. A client that invents methods cannot fill the memory."""

    def __init__(self, line_format: LineFormat, pools: PoolMap) -> None:
        self._format = line_format
        self._pools = pools
        self._classified: dict[Texts, Classified] = {}
        self._limit_upstream = CardinalityLimiter(MAX_UPSTREAMS)
        self._limit_group = CardinalityLimiter(MAX_GROUPS)
        self._limit_release = CardinalityLimiter(MAX_RELEASES)
        # With those that are no pool of the settings, if there are any.
        names = len(pools.names) + 2 if pools.names else 0
        self._limit_attempt = CombinationLimiter(MAX_ATTEMPTS, names)
        self._limit_request = CombinationLimiter(MAX_REQUESTS, names)

    def of(self, texts: Iterable[Texts]) -> Mapping[Texts, Classified]:
        """Return a mapping that holds these texts, and perhaps others."""
        if len(self._classified) > _MAX_TEXTS:
            self._classified.clear()
        for text in texts:
            if text not in self._classified:
                request = self._limited(interpret(self._format.labels.decode(text), self._pools))
                self._classified[text] = Classified(request, Timing.of(request), _folded(request))
        return self._classified

    def seed(
        self,
        *,
        attempts: Iterable[tuple[str, str, str]],
        requests: Iterable[tuple[str, str, str]],
        groups: Iterable[str],
    ) -> None:
        """Keep the values that counters have already; keys are (pool, ...) as exposed.

        Releases start afresh: only the current ones are shown, and a stack that was deployed often
        must not run out of names.
        """
        for pool, upstream, status in attempts:
            self._limit_upstream(upstream)
            self._limit_attempt(pool, upstream, status)
        for pool, method, status in requests:
            self._limit_request(pool, method, status)
        for group in groups:
            self._limit_group(group)

    # Private

    def _limited(self, request: Request) -> Request:
        attempts = []
        for attempt in request.attempts:
            upstream = self._limit_upstream(attempt.upstream)
            pool = attempt.pool if self._pools.patterns else upstream
            if not self._limit_attempt(pool, upstream, attempt.status):
                # Rather not which server than not which pool and status.
                upstream = OTHER
            attempts.append(attempt._replace(upstream=upstream, pool=pool))
        pool = attempts[-1].pool if attempts else request.pool
        is_kept = self._limit_request(pool, request.method, request.status)
        return request._replace(
            attempts=tuple(attempts),
            pool=pool,
            method=request.method if is_kept else OTHER,
            groups=tuple(map(self._limit_group, request.groups)),
            release=self._limit_release(request.release) if request.release else None,
        )


def interpret(fields: Mapping[str, str], pools: PoolMap) -> Request:
    """Say what a request with these label fields is counted as. Absent (`-`, empty) is no error."""
    attempts, groups = _attempts(fields, pools)
    status = _status(fields["status"])
    status_class = _class(fields["status"])
    failed = status_class == FAILED
    pool = attempts[-1].pool if attempts else NONE
    method = fields["request_method"]
    return Request(
        method=method if method in METHODS else OTHER,
        status=status,
        status_class=status_class,
        pool=pool,
        attempts=attempts,
        groups=groups,
        retried=("failed" if failed else "saved") if len(attempts) > 1 else None,
        release=present(fields.get("upstream_http_x_release_id")),
        desired=present(fields.get("desired")),
        timed=fields.get("streaming") != "1" and status != SWITCHING_PROTOCOLS,
        # A client that gave up (499) got no answer, so the pool has shown nothing.
        served=pool in pools.names
        and not failed
        and status_class != OTHER
        and status != CLIENT_CLOSED_REQUEST,
    )


# Private

_MAX_TEXTS = 4096


def _folded(request: Request) -> tuple[str, ...]:
    return (
        *(["method"] if request.method == OTHER else []),
        *(["status"] if request.status == OTHER else []),
        *("upstream" for attempt in request.attempts if attempt.upstream == OTHER),
        *("group" for group in request.groups if group == OTHER),
        *(["release"] if request.release == OTHER else []),
    )


def _attempts(
    fields: Mapping[str, str], pools: PoolMap
) -> tuple[tuple[Attempt, ...], tuple[str, ...]]:
    upstreams = split_list(fields.get("upstream_addr", ""))
    statuses = split_list(fields.get("upstream_status", ""))
    statuses += ["-"] * (len(upstreams) - len(statuses))
    attempts = tuple(
        Attempt(
            position,
            pools.pool_of(upstream),
            upstream,
            _status(status) if present(status) else NONE,
        )
        for position, (upstream, status) in enumerate(zip(upstreams, statuses, strict=False))
        if is_address(upstream)
    )
    groups = tuple(u for u in upstreams if present(u) and not is_address(u))
    return attempts, groups


def _status(text: str) -> str:
    return text if text in STATUSES else OTHER


def _class(text: str) -> str:
    """Return the class of a status; also of one that nobody has defined."""
    return f"{text[0]}xx" if re.fullmatch(r"[1-5][0-9]{2}", text, re.ASCII) else OTHER
