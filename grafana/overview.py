"""The Overview: is it all right; since when not; which pool and release."""

from grafana.board import Cells, board, row
from grafana.panels import (
    BAD,
    WARNING,
    WELL,
    Json,
    Query,
    heatmap,
    number,
    pool_name,
    state_timeline,
    table,
    timeseries,
    verdict,
    worst,
)

UID = "teal-overview"
ERROR_RATIO = "stack:nginxlog_http_responses_5xx:ratio_increase2m"
# Alerts that someone has to do something about.
FIRING = 'ALERTS{alertstate="firing", severity=~"critical|warning"}'
ATTEMPTS = "sum by (pool) (increase(nginxlog_upstream_attempts_total[2m]))"
# It always fires, where rules are evaluated.
WATCHDOG = 'ALERTS{alertname="Watchdog", alertstate="firing"}'
# When they began, in seconds since the epoch.
BEGAN = f"ALERTS_FOR_STATE and ignoring (alertstate) {FIRING}"


def dashboard() -> Json:
    """Return the dashboard."""
    return board(
        UID,
        "Teal / Overview",
        "Which pool serves, whether users suffer, and since when.",
        [
            (5, _verdicts()),
            (5, [(24, _firing())]),
            (3, _numbers()),
            row("Requests, errors and duration"),
            (8, [(8, _requests()), (8, _errors()), (8, _duration())]),
            (7, [(8, _heatmap()), (8, _slow()), (8, _pool_errors())]),
            row("Pools and releases"),
            (6, [(12, _serving()), (12, _health())]),
            (7, [(8, _releases()), (8, _retries()), (8, _failures())]),
        ],
        time_from="now-15m",
    )


# Private


def _verdicts() -> Cells:
    return [
        (
            6,
            pool_name(
                "Serving now",
                "The pool that answers requests, as seen in nginx's log, in its own colour. "
                "Normal: the desired one.",
                Query("nginxlog_active_pool == 1", "{{pool}}"),
                nothing="nobody has asked yet",
            ),
        ),
        (
            6,
            verdict(
                "Do users see errors?",
                "Yes, if more of the answers of the last two minutes were 5xx than the alert "
                "ErrorRatioHigh allows (limit:error_ratio). Requests that a retry saved are no "
                "errors.",
                Query(f"{ERROR_RATIO} > bool on () limit:error_ratio", "errors"),
                states={0: ("No", WELL), 1: ("YES", BAD)},
                nothing="nobody asks",
            ),
        ),
        (
            6,
            number(
                "Trouble since",
                "When the oldest alert that still fires began. The table below says what it is.",
                # Nothing fires, and the Watchdog proves that something would.
                Query(f"min({BEGAN}) * 1000 or 0 * max({WATCHDOG})", "since"),
                unit="dateTimeFromNow",
                states={0: ("no trouble", "text")},
                nothing="NOT KNOWN",
                nothing_color=BAD,
                bad_from=1,
                bad_color=BAD,
            ),
        ),
        (
            6,
            verdict(
                "Is the other pool ready?",
                "Whether both pools answer their health checks. If not, the next fault is an "
                "outage.",
                Query('min(probe_success{job="pools"})', "ready"),
                states={0: ("NO", WARNING), 1: ("Yes", WELL)},
                nothing="not known",
            ),
        ),
    ]


def _numbers() -> Cells:
    return [
        (
            4,
            pool_name(
                "Desired",
                "The pool that the operator declared with `make switch`.",
                Query("nginxlog_desired_pool == 1", "{{pool}}"),
                nothing="not known",
            ),
        ),
        (
            4,
            number(
                "Requests per second",
                "Requests that clients sent in the last minute, all pools together.",
                Query("sum(rate(nginxlog_http_responses_total[1m]))", "requests"),
                unit="reqps",
                decimals=1,
                nothing="not known",
            ),
        ),
        (
            4,
            number(
                "Errors, last 2 minutes",
                "Share of responses with status 5xx that clients got. Normal: 0 %.",
                Query(ERROR_RATIO, "errors"),
                unit="percentunit",
                decimals=2,
                nothing="nobody asks",
            ),
        ),
        (
            4,
            number(
                "95 % are faster than",
                "From the first byte of a request to the last of its answer, over the last minute.",
                Query(
                    "histogram_quantile(0.95, sum by (le) "
                    "(rate(nginxlog_http_request_duration_seconds_bucket[1m]))) >= 0",
                    "p95",
                ),
                unit="s",
                nothing="nobody asks",
            ),
        ),
        (
            4,
            number(
                "Saved by retries",
                "Requests in the time range above that one pool failed and the other one answered: "
                "so many errors did users not see.",
                Query(
                    "sum(increase("
                    'nginxlog_http_retried_requests_total{outcome="saved"}[$__range]))',
                    "saved",
                ),
                unit="short",
                decimals=0,
                nothing="not known",
            ),
        ),
        (
            4,
            number(
                "Silences in force",
                "A maintenance, or single alerts that someone silenced: what fires is then told to "
                "nobody. `make status` says who, why and until when.",
                Query('sum(alertmanager_silences{state="active"})', "silences"),
                unit="short",
                decimals=0,
                nothing="not known",
                bad_from=1,
            ),
        ),
    ]


def _firing() -> Json:
    return table(
        "What is wrong",
        "The alerts that fire, as Prometheus told Alertmanager. Empty is good. A click on a name "
        "opens its section of the runbook.",
        Query(f"({BEGAN}) * 1000", "alert"),
        columns={
            "alertname": "Alert",
            "Value": "Since",
            "severity": "Severity",
            "pool": "Pool",
            "from": "From",
            "to": "To",
            "release": "Release",
            "file": "File",
        },
        links={"Alert": ("What to do", "${runbook}#${__value.text}")},
        unit="dateTimeFromNow",
        nothing="Nothing fires",
    )


def _requests() -> Json:
    return timeseries(
        "Requests per second, by pool",
        "Which pool answers how much. After a failover the colour changes; the height should not.",
        [
            Query(
                "sum by (pool) (rate(nginxlog_http_responses_total[$__rate_interval])) > 0",
                "{{pool}}",
            )
        ],
        unit="reqps",
        stacked=True,
        nothing="nobody asks",
    )


def _errors() -> Json:
    return timeseries(
        "Errors that clients got",
        "Share of responses with status 5xx over two minutes, all pools together. Above the dashed "
        "line the alert ErrorRatioHigh fires. Normal: flat at zero.",
        [Query(worst(ERROR_RATIO), "errors", color="semi-dark-orange")],
        unit="percentunit",
        limits=[Query("limit:error_ratio", "limit")],
        nothing="nobody asks",
    )


def _duration() -> Json:
    return timeseries(
        "Duration: median, 95 and 99 %",
        "How long clients wait, all pools together. A retry counts with both tries.",
        [
            Query(_quantile(0.99), "99 %", color="yellow"),
            Query(_quantile(0.95), "95 %", color="purple"),
            Query(_quantile(0.5), "median", color="super-light-purple"),
        ],
        unit="s",
        nothing="nobody asks",
    )


def _quantile(quantile: float) -> str:
    return (
        f"histogram_quantile({quantile}, sum by (le) "
        "(rate(nginxlog_http_request_duration_seconds_bucket[$__rate_interval]))) >= 0"
    )


def _heatmap() -> Json:
    return heatmap(
        "How long requests take",
        "Each row is a range of durations, and the brighter, the more requests. One dark band at "
        "the bottom is normal; a second one further up are requests that wait for something.",
        Query(
            "sum by (le) "
            "(increase(nginxlog_http_request_duration_seconds_bucket[$__rate_interval]))",
            "{{le}}",
        ),
        unit="s",
        nothing="nobody asks",
    )


def _slow() -> Json:
    return timeseries(
        "Slow requests, by pool",
        "Share of requests over two minutes that took longer than half a second. Above the dashed "
        "line for 30 s the alert LatencyHigh fires.",
        [Query(f"{worst('pool:nginxlog_http_requests_slow:ratio_increase2m')} >= 0", "{{pool}}")],
        unit="percentunit",
        limits=[Query("limit:slow_ratio", "limit")],
        nothing="nobody asks",
    )


def _pool_errors() -> Json:
    return timeseries(
        "Failed attempts, by pool",
        "Share of what nginx asked a pool that the pool answered with 5xx, or not at all, over two "
        "minutes; most of it is repeated on the other pool, and no client sees it. Compare the "
        "releases here after a switch.",
        [
            Query(
                "(sum by (pool) (increase("
                'nginxlog_upstream_attempts_total{status=~"5..|none"}[2m]))'
                f" or 0 * {ATTEMPTS}) / ({ATTEMPTS} > 0)",
                "{{pool}}",
            )
        ],
        unit="percentunit",
        nothing="nobody asks",
    )


def _serving() -> Json:
    return state_timeline(
        "Which pool served, and which one was meant to",
        "A bar where the pool serves, and one where it was the desired one. Normal: both are of "
        "one colour. Serving without being desired is a failover.",
        [
            Query(f"{worst('nginxlog_active_pool')} == 1", "{{pool}} serves"),
            Query(f"{worst('nginxlog_desired_pool')} == 1", "{{pool}} is desired"),
        ],
        states={1: ("", WELL)},
        by_pool=True,
        nothing="nobody has asked yet",
    )


def _health() -> Json:
    return state_timeline(
        "Health checks",
        "What the prober found every two seconds, asking both pools and the front door. Grey is "
        "well.",
        [
            Query('min_over_time(probe_success{job="pools"}[$__rate_interval])', "{{pool}}"),
            Query('min_over_time(probe_success{job="front"}[$__rate_interval])', "front door"),
        ],
        states={0: ("down", BAD), 1: ("up", WELL)},
        nothing="the prober is not asked",
    )


def _releases() -> Json:
    return state_timeline(
        "Releases",
        "Which release each pool runs, as its answers say (X-Release-Id).",
        [Query("nginxlog_pool_release_info", "{{pool}} {{release}}")],
        states={1: ("", WELL)},
        by_pool=True,
        nothing="answers name no release",
    )


def _retries() -> Json:
    return timeseries(
        "Repeated requests per second",
        "Saved: the other pool answered and the client saw nothing. Failed: the other one failed "
        "as well. Normal: none.",
        [
            Query(_repeated("saved"), "saved", color="yellow"),
            Query(_repeated("failed"), "failed", color=BAD),
        ],
        unit="reqps",
        nothing="not known",
    )


def _repeated(outcome: str) -> str:
    return (
        f'sum(rate(nginxlog_http_retried_requests_total{{outcome="{outcome}"}}[$__rate_interval]))'
    )


def _failures() -> Json:
    return timeseries(
        "Failed answers of pools, per second",
        "What nginx got from a pool instead of an answer, by pool and status; `none`: nothing at "
        "all. Most of it is repeated, and no client sees it. Normal: none.",
        [
            Query(
                "sum by (pool, status) (rate("
                'nginxlog_upstream_attempts_total{status=~"5..|none"}[$__rate_interval])) > 0',
                "{{status}} from {{pool}}",
            )
        ],
        unit="reqps",
        nothing="no failure was seen",
    )
