"""The families of the traffic: requests, attempts, durations and pools. Names are an API.

A family is not exposed where the log format lacks a variable it needs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nginxlog_exporter.count.classifier import CLASSES
from nginxlog_exporter.count.durations import CONNECT, REQUEST, RESPONSE
from nginxlog_exporter.metrics.family import COUNTER, GAUGE, HISTOGRAM, Example, Family, Samples
from nginxlog_exporter.metrics.labels import (
    CLASS,
    FROM,
    GROUP,
    METHOD,
    OUTCOME,
    POOL,
    RELEASE,
    ROUTE,
    STATUS,
    TO,
    UPSTREAM,
)
from nginxlog_exporter.metrics.source import Source
from nginxlog_exporter.pools.active import ActivePool

_ADDRESSES = ("upstream_addr",)
_POOLS = ("upstream_addr", "pools")


def _by_pool(numbers: Mapping[str, Any]) -> Samples:
    return (((pool,), number) for pool, number in numbers.items())


def _one_of(source: Source, chosen: Callable[[str], str | None]) -> Samples:
    for group, pools in source.pools.groups.items():
        one = chosen(group)
        for pool in pools:
            yield (pool,), int(pool == one)


def _by_group(source: Source, number: Callable[[str], float]) -> Samples:
    # Empty (to Prometheus: absent) for names without a group.
    return (((group,), number(group)) for group in source.pools.groups)


def _active(source: Source) -> Mapping[str, ActivePool]:
    return source.aggregate.tracker.active


TRAFFIC = (
    Family(
        "nginxlog_http_responses_total",
        COUNTER,
        "Requests by the class of the status the client got.",
        (POOL, CLASS),
        lambda s: s.aggregate.responses.items(),
        Example(
            "What share of each pool's answers are server errors?",
            'sum by (pool) (rate(nginxlog_http_responses_total{class="5xx"}[5m]))'
            "\n/ sum by (pool) (rate(nginxlog_http_responses_total[5m]))",
        ),
    ),
    Family(
        "nginxlog_http_requests_total",
        COUNTER,
        "Requests by method and status.",
        (POOL, METHOD, STATUS),
        lambda s: s.aggregate.requests.items(),
        Example(
            "Which five failures are the most frequent?",
            "topk(5, sum by (method, status)"
            ' (rate(nginxlog_http_requests_total{status=~"[45].."}[5m])))',
        ),
    ),
    Family(
        "nginxlog_http_response_bytes_total",
        COUNTER,
        "Bytes sent to clients.",
        (POOL,),
        lambda s: s.aggregate.response_bytes.items(),
        Example(
            "How many bits per second go to clients?",
            "8 * sum(rate(nginxlog_http_response_bytes_total[5m]))",
        ),
        needs=("bytes_sent",),
    ),
    Family(
        "nginxlog_http_request_bytes_total",
        COUNTER,
        "Bytes received from clients.",
        (POOL,),
        lambda s: s.aggregate.request_bytes.items(),
        Example(
            "How large is a request to each pool on average?",
            "sum by (pool) (rate(nginxlog_http_request_bytes_total[5m]))"
            "\n/ sum by (pool) (rate(nginxlog_http_responses_total[5m]))",
        ),
        needs=("request_length",),
    ),
    Family(
        "nginxlog_upstream_attempts_total",
        COUNTER,
        "Tries of a server; a request that was retried has several.",
        (POOL, UPSTREAM, STATUS),
        lambda s: s.aggregate.attempts.items(),
        Example(
            "Which servers fail, also where a retry hid it from the client?",
            "sum by (upstream)"
            ' (rate(nginxlog_upstream_attempts_total{status=~"5..|none"}[5m])) > 0',
        ),
        needs=_ADDRESSES,
    ),
    Family(
        "nginxlog_http_retried_requests_total",
        COUNTER,
        "Requests with more than one attempt: saved, or failed (5xx) all the same.",
        (OUTCOME,),
        lambda s: s.aggregate.retried.items(),
        Example(
            "How many requests of the last hour were saved by a retry?",
            'sum(increase(nginxlog_http_retried_requests_total{outcome="saved"}[1h]))',
        ),
        needs=_ADDRESSES,
    ),
    Family(
        "nginxlog_upstream_unavailable_total",
        COUNTER,
        "Requests for which nginx found no live server in the group.",
        (GROUP,),
        lambda s: s.aggregate.unavailable.items(),
        Example(
            "Which groups had no live server?",
            "sum by (group) (increase(nginxlog_upstream_unavailable_total[5m])) > 0",
        ),
        needs=_ADDRESSES,
    ),
    Family(
        "nginxlog_pool_changes_total",
        COUNTER,
        "How often the active pool became another one.",
        (FROM, TO),
        lambda s: (change for one in _active(s).values() for change in one.changes.items()),
        Example(
            "Was there a failover, from where to where? (The alert's expression.)",
            "sum by (from, to) (increase(nginxlog_pool_changes_total[5m])) > 0",
        ),
        needs=_POOLS,
    ),
    Family(
        "nginxlog_http_route_responses_total",
        COUNTER,
        "Requests by the route that their URI fits and the class of the status.",
        (ROUTE, CLASS),
        lambda s: s.aggregate.routes.responses.items(),
        Example(
            "Which routes fail most often?",
            'topk(5, sum by (route) (rate(nginxlog_http_route_responses_total{class="5xx"}[5m])))',
        ),
        needs=("routes",),
    ),
    Family(
        "nginxlog_http_request_duration_seconds",
        HISTOGRAM,
        "Time from the first byte of a request to its log line; streaming left out.",
        (POOL,),
        lambda s: _by_pool(s.aggregate.durations.read(REQUEST)),
        Example(
            "How long do the slowest 1 % of requests take?",
            "histogram_quantile(0.99,"
            " sum by (le) (rate(nginxlog_http_request_duration_seconds_bucket[5m])))",
        ),
        needs=("request_time",),
    ),
    Family(
        "nginxlog_upstream_response_duration_seconds",
        HISTOGRAM,
        "Time that an attempt took; streaming left out.",
        (POOL,),
        lambda s: _by_pool(s.aggregate.durations.read(RESPONSE)),
        Example(
            "How long does each pool need for 95 % of the attempts?",
            "histogram_quantile(0.95,"
            " sum by (pool, le) (rate(nginxlog_upstream_response_duration_seconds_bucket[5m])))",
        ),
        needs=("upstream_addr", "upstream_response_time"),
    ),
    Family(
        "nginxlog_upstream_connect_duration_seconds",
        HISTOGRAM,
        "Time that an attempt took to connect; streaming left out.",
        (POOL,),
        lambda s: _by_pool(s.aggregate.durations.read(CONNECT)),
        Example(
            "What share of the attempts had a connection within 10 ms?",
            "sum by (pool)"
            ' (rate(nginxlog_upstream_connect_duration_seconds_bucket{le="0.01"}[5m]))'
            "\n/ sum by (pool) (rate(nginxlog_upstream_connect_duration_seconds_count[5m]))",
        ),
        needs=("upstream_addr", "upstream_connect_time"),
    ),
    Family(
        "nginxlog_http_route_duration_seconds",
        HISTOGRAM,
        "Like nginxlog_http_request_duration_seconds, by route.",
        (ROUTE,),
        lambda s: (((route,), one) for route, one in s.aggregate.routes.durations.items()),
        Example(
            "How long do the slowest 1 % of each route take?",
            "histogram_quantile(0.99,"
            " sum by (route, le) (rate(nginxlog_http_route_duration_seconds_bucket[5m])))",
        ),
        needs=("routes", "request_time"),
    ),
    Family(
        "nginxlog_active_pool",
        GAUGE,
        "1 for the pool that really serves, as seen in the log.",
        (POOL,),
        lambda s: _one_of(s, lambda group: _active(s)[group].active),
        Example(
            "Which pool serves?",
            "nginxlog_active_pool == 1",
        ),
        needs=_POOLS,
    ),
    Family(
        "nginxlog_pool_last_change_timestamp_seconds",
        GAUGE,
        "When the active pool changed last (log time), 0 if never.",
        (GROUP,),
        lambda s: _by_group(s, lambda group: _active(s)[group].changed_at),
        Example(
            "Was there a failover in the last five minutes, whatever was missed by scrapes?",
            "time() - nginxlog_pool_last_change_timestamp_seconds < 300",
        ),
        needs=_POOLS,
    ),
    Family(
        "nginxlog_desired_pool",
        GAUGE,
        "1 for the pool that the operator declared.",
        (POOL,),
        lambda s: _one_of(s, lambda group: s.desired.declared(group).pool),
        Example(
            "Which pool should serve and does not?",
            "nginxlog_desired_pool == 1 and nginxlog_active_pool == 0",
        ),
        needs=("desired", "pools"),
    ),
    Family(
        "nginxlog_desired_pool_last_change_timestamp_seconds",
        GAUGE,
        "When the declared pool changed last, 0 if unknown.",
        (GROUP,),
        lambda s: _by_group(s, lambda group: s.desired.declared(group).changed_at),
        Example(
            "For how long has the declared pool been the declared one?",
            "time() - nginxlog_desired_pool_last_change_timestamp_seconds",
        ),
        needs=("desired", "pools"),
    ),
    Family(
        "nginxlog_drill_running",
        GAUGE,
        "1 while an operator breaks something on purpose, as a file tells, else 0.",
        (),
        lambda s: [((), int(s.desired.drill_runs()))],
        Example(
            "When was something broken on purpose?",
            "nginxlog_drill_running == 1",
        ),
        needs=("desired_dir",),
    ),
    Family(
        "nginxlog_pool_last_request_timestamp_seconds",
        GAUGE,
        "When the request that started last and was answered by the pool started, 0 if none.",
        (POOL,),
        lambda s: _by_pool(s.aggregate.tracker.last_started),
        Example(
            "Which pools have had no request for five minutes?",
            "time() - nginxlog_pool_last_request_timestamp_seconds > 300",
        ),
        needs=(*_POOLS, "msec"),
    ),
    Family(
        "nginxlog_pool_release_info",
        GAUGE,
        "The release that the pool runs now.",
        (POOL, RELEASE),
        lambda s: ((item, 1) for item in s.aggregate.tracker.releases.items()),
        Example(
            "How many requests per second does each release answer?",
            "sum by (release) (sum by (pool) (rate(nginxlog_http_responses_total[5m]))"
            "\n* on (pool) group_left (release) nginxlog_pool_release_info)",
        ),
        needs=(*_POOLS, "upstream_http_x_release_id"),
    ),
    Family(
        "nginxlog_window_responses",
        GAUGE,
        "Responses by class among the last requests.",
        (CLASS,),
        lambda s: (((c,), s.aggregate.tracker.window.count(c)) for c in CLASSES),
        Example(
            "What share of the last requests (NGINXLOG_WINDOW of them) failed?",
            'sum(nginxlog_window_responses{class="5xx"}) / sum(nginxlog_window_responses)',
        ),
    ),
)
