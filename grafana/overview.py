"""The Overview dashboard: is it all right; since when not; which pool and release."""

from grafana.panels import (
    Json,
    Query,
    annotation,
    layout,
    row,
    stat,
    state_timeline,
    table,
    timeseries,
)

UID = "teal-overview"


def dashboard() -> Json:
    """Return the dashboard as Grafana loads it from a file."""
    return {
        "id": None,
        "uid": UID,
        "title": "Teal / Overview",
        "tags": ["teal"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": _annotations()},
        "links": [],
        "panels": layout(
            [
                (1, [(24, row("Now"))]),
                (4, _now()),
                (5, [(20, _firing()), (4, _silences())]),
                (1, [(24, row("Requests, errors and duration of each pool"))]),
                (8, [(8, _requests()), (8, _errors()), (8, _duration())]),
                (1, [(24, row("Pools"))]),
                (6, [(12, _pools()), (12, _probes())]),
                (7, [(12, _retries()), (12, _attempts())]),
            ]
        ),
    }


# Private


def _now() -> list[tuple[int, Json]]:
    return [
        (
            4,
            stat(
                "Active pool",
                "The pool that answers requests, as seen in the log. Normal: the desired one.",
                Query("nginxlog_active_pool == 1", "{{pool}}"),
                shows_name=True,
                nothing="no traffic yet",
            ),
        ),
        (
            4,
            stat(
                "Desired pool",
                "The pool that the operator declared with `make switch`.",
                Query("nginxlog_desired_pool == 1", "{{pool}}"),
                shows_name=True,
            ),
        ),
        (
            4,
            stat(
                "Errors, 2 minutes",
                "Share of responses with status 5xx that clients got. Red above the limit.",
                Query("stack:nginxlog_http_responses_5xx:ratio_increase2m", "errors"),
                unit="percentunit",
                decimals=2,
                steps=((None, "green"), (0.02, "red")),
                nothing="no traffic",
            ),
        ),
        (
            4,
            stat(
                "Requests per second",
                "Requests that clients sent in the last minute, all pools together.",
                Query("sum(rate(nginxlog_http_responses_total[1m]))", "requests"),
                unit="reqps",
                decimals=1,
            ),
        ),
        (
            4,
            stat(
                "95 % are faster than",
                "Time from the first byte of a request to the last byte of its answer.",
                Query(
                    "histogram_quantile(0.95, sum by (le) "
                    "(rate(nginxlog_http_request_duration_seconds_bucket[1m])))",
                    "p95",
                ),
                unit="s",
                nothing="no traffic",
            ),
        ),
        (
            4,
            stat(
                "Requests saved by retries",
                "Requests in this time range that one pool failed and the other one answered.",
                Query(
                    "sum(increase("
                    'nginxlog_http_retried_requests_total{outcome="saved"}[$__range]))',
                    "saved",
                    instant=True,
                ),
                decimals=0,
            ),
        ),
    ]


def _firing() -> Json:
    return table(
        "Firing alerts",
        "What Prometheus has told Alertmanager. Empty is good.",
        Query('ALERTS{alertstate="firing", severity!="none"}', instant=True, as_table=True),
        columns={
            "alertname": "Alert",
            "severity": "Severity",
            "pool": "Pool",
            "from": "From",
            "to": "To",
        },
    )


def _silences() -> Json:
    return stat(
        "Silences in force",
        "A maintenance, or single alerts that someone silenced: what fires here is then told to "
        "nobody. `make status` says who, why and until when.",
        Query('sum(alertmanager_silences{state="active"})', "silences"),
        steps=((None, "text"), (1, "orange")),
        decimals=0,
        nothing="unknown",
    )


def _requests() -> Json:
    return timeseries(
        "Requests per second, by pool",
        "Which pool answers how much. After a failover the colour changes; the height should not.",
        [Query("pool:nginxlog_http_responses:rate1m > 0", "{{pool}}")],
        unit="reqps",
        stacked=True,
    )


def _errors() -> Json:
    return timeseries(
        "Errors (5xx) that clients got",
        "Share of responses with status 5xx, over two minutes and all pools. The dashed line is "
        "the limit of the alert ErrorRatioHigh.",
        [Query("stack:nginxlog_http_responses_5xx:ratio_increase2m", "errors")],
        unit="percentunit",
        limit="limit:error_ratio",
    )


def _duration() -> Json:
    return timeseries(
        "Duration, median and 95th percentile",
        "How long clients wait, by the pool that answered. A retry counts with both tries.",
        [
            Query(_quantile(0.5), "{{pool}} median"),
            Query(_quantile(0.95), "{{pool}} 95 %"),
        ],
        unit="s",
    )


def _quantile(quantile: float) -> str:
    return (
        f"histogram_quantile({quantile}, sum by (pool, le) "
        "(rate(nginxlog_http_request_duration_seconds_bucket[$__rate_interval])))"
    )


def _pools() -> Json:
    return state_timeline(
        "Active and desired pool",
        "The pool that serves and the pool that should. Normal: both rows show the same.",
        [
            Query("nginxlog_active_pool", "{{pool}} active"),
            Query("nginxlog_desired_pool", "{{pool}} desired"),
        ],
        states={"0": ("no", "transparent"), "1": ("yes", "blue")},
    )


def _probes() -> Json:
    return state_timeline(
        "Health checks",
        "What the active probes of both pools and of the front door found, every two seconds.",
        [
            Query('probe_success{job="pools"}', "{{pool}}"),
            Query('probe_success{job="front"}', "front door"),
        ],
        states={"0": ("down", "red"), "1": ("up", "green")},
    )


def _retries() -> Json:
    return timeseries(
        "Retried requests per second",
        "Saved: the other pool answered and the client saw nothing. Failed: both pools failed.",
        [
            Query(
                "sum by (outcome) (rate(nginxlog_http_retried_requests_total[$__rate_interval]))",
                "{{outcome}}",
            )
        ],
        unit="reqps",
    )


def _attempts() -> Json:
    return timeseries(
        "Attempts per second, by pool and status",
        "What each pool answered to nginx, also when the client never saw it.",
        [
            Query(
                "sum by (pool, status) "
                "(rate(nginxlog_upstream_attempts_total[$__rate_interval])) > 0",
                "{{pool}} {{status}}",
            )
        ],
        unit="reqps",
    )


def _annotations() -> list[Json]:
    return [
        annotation(
            "Pool change",
            "nginxlog_pool_last_change_timestamp_seconds * 1000 > 0",
            color="orange",
            title="Traffic moved to another pool",
            value_is_time=True,
        ),
        annotation(
            "Switch",
            "nginxlog_desired_pool_last_change_timestamp_seconds * 1000 > 0",
            color="blue",
            title="Another pool was declared desired",
            value_is_time=True,
        ),
        annotation(
            "Critical alert",
            'ALERTS{alertstate="firing", severity="critical"}',
            color="red",
            title="{{alertname}}",
            value_is_time=False,
        ),
    ]
