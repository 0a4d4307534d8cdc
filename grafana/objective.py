"""The Objective: how much of the error budget is left, and how fast it goes."""

from grafana.board import Cells, board, row
from grafana.panels import BAD, WARNING, Json, Query, number, table, timeseries

UID = "teal-objective"
ERRORS = "stack:nginxlog_http_responses_5xx:increase1m"
REMAINING = "stack:nginxlog_error_budget_remaining:ratio30d"
# Window of a burn rate -> its colour: short ones are light.
FAST = {"5m": "super-light-purple", "30m": "light-purple", "1h": "purple", "6h": "dark-purple"}
SLOW = {"2h": "super-light-purple", "6h": "light-purple", "1d": "purple", "3d": "dark-purple"}


def dashboard() -> Json:
    """Return the dashboard."""
    return board(
        UID,
        "Teal / Objective",
        "Whether the objective is kept: the error budget, and how fast it burns.",
        [
            (5, _numbers()),
            row("The budget of 30 days"),
            (8, [(12, _remaining()), (12, _errors())]),
            row("How fast it burns: 1 uses it up in exactly 30 days"),
            (8, [(12, _fast()), (12, _slow())]),
            row("What the errors were"),
            (6, [(24, _worst())]),
        ],
        time_from="now-24h",
    )


# Private


def _numbers() -> Cells:
    return [
        (
            6,
            number(
                "Budget left",
                "Of the errors that the objective allows in 30 days, the share that is left. Below "
                "0 the objective is missed.",
                Query(REMAINING, "left"),
                unit="percentunit",
                decimals=1,
                nothing="not known yet",
            ),
        ),
        (
            6,
            number(
                "Objective",
                "The share of requests that must not fail (limit:slo_objective).",
                Query("limit:slo_objective", "objective"),
                unit="percentunit",
                decimals=2,
                nothing="the rules are missing",
            ),
        ),
        (
            6,
            number(
                "Burn rate, last hour",
                "How fast the budget goes: at 1 it lasts 30 days, at 14.4 two days.",
                Query("stack:nginxlog_error_budget_burn:rate1h", "burn rate"),
                unit="none",
                decimals=1,
                nothing="nobody asks",
                bad_from=1,
            ),
        ),
        (
            6,
            number(
                "Minutes with errors",
                "In how many minutes of the time range above any request failed.",
                Query(f"count_over_time(({ERRORS} > 0)[$__range:1m])", "minutes"),
                unit="none",
                decimals=0,
                nothing="none",
            ),
        ),
    ]


def _remaining() -> Json:
    return timeseries(
        "Budget left",
        "It falls with each error, and rises as old errors leave the 30 days. Below zero the "
        "objective is missed.",
        [Query(REMAINING, "left", color="semi-dark-orange")],
        unit="percentunit",
        lowest=None,
        highest=1,
        nothing="not known yet",
    )


def _errors() -> Json:
    return timeseries(
        "Errors per minute",
        "Responses with status 5xx that clients got. Normal: none.",
        [Query(ERRORS, "errors", color=BAD)],
        unit="short",
        nothing="nobody asks",
    )


def _burn(title: str, description: str, windows: dict[str, str], limits: list[Query]) -> Json:
    return timeseries(
        title,
        description,
        [
            Query(f"stack:nginxlog_error_budget_burn:rate{window}", window, color=color)
            for window, color in windows.items()
        ],
        unit="none",
        limits=limits,
        nothing="nobody asks",
    )


def _fast() -> Json:
    return _burn(
        "Burn rate, fast",
        "ErrorBudgetBurnFast fires when 1h and 5m are above the upper line, or 6h and 30m above "
        "the lower one: the budget would be gone within days.",
        FAST,
        [
            Query("limit:burn_1h", "limit for 1h and 5m"),
            Query("limit:burn_6h", "limit for 6h and 30m", color=WARNING),
        ],
    )


def _slow() -> Json:
    return _burn(
        "Burn rate, slow",
        "ErrorBudgetBurnSlow fires when 1d and 2h are above the upper line, or 3d and 6h above the "
        "lower one: the budget will not last.",
        SLOW,
        [
            Query("limit:burn_1d", "limit for 1d and 2h"),
            Query("limit:burn_3d", "limit for 3d and 6h", color=WARNING),
        ],
    )


def _worst() -> Json:
    return table(
        "Most frequent errors",
        "What failed most often in the time range above: by pool (`none`: nginx itself answered), "
        "method and status.",
        Query(
            "topk(10, round(sum by (pool, method, status) "
            '(increase(nginxlog_http_requests_total{status=~"5.."}[$__range]))) > 0)',
            "errors",
        ),
        columns={"pool": "Pool", "method": "Method", "status": "Status", "Value": "Errors"},
        unit="short",
        nothing="No request failed",
    )
