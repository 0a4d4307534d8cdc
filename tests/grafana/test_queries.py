"""Every query of every dashboard: its grammar, its names, and its answers after a drill."""

import re
import time

import promql_parser
import pytest
import requests
from boards import BOARDS, exported_names, filled, names_in, queries, recorded_names

from teal.drills.drill_marker import drill_marked
from teal.drills.faults import Faults
from teal.drills.traffic import Traffic
from teal.processes.runtime import LocalRuntime
from teal.wait import wait_for

QUERIES = [
    pytest.param(*query, id=f"{name}: {query[0]}")
    for name, board in BOARDS.items()
    for query in queries(board)
]
# What other programs publish; on Prometheus 2.42 and 3.5, Alertmanager 0.25 and 0.33.
OTHERS = {
    "ALERTS": "Prometheus, for each alert that is pending or fires",
    "ALERTS_FOR_STATE": "Prometheus: when an alert began",
    "up": "Prometheus, for each target",
    "scrape_duration_seconds": "Prometheus, for each target",
    "probe_success": "blackbox_exporter",
    "prometheus_rule_group_last_duration_seconds": "Prometheus about itself",
    "prometheus_rule_group_interval_seconds": "Prometheus about itself",
    "prometheus_rule_group_iterations_missed_total": "Prometheus about itself",
    "prometheus_rule_group_iterations_total": "Prometheus about itself",
    "prometheus_rule_evaluation_failures_total": "Prometheus about itself",
    "prometheus_rule_evaluations_total": "Prometheus about itself",
    "prometheus_notifications_sent_total": "Prometheus about itself",
    "prometheus_notifications_dropped_total": "Prometheus about itself",
    "prometheus_notifications_errors_total": "Prometheus about itself",
    "alertmanager_silences": "Alertmanager about itself",
    "alertmanager_notification_requests_total": "Alertmanager about itself",
    "alertmanager_notification_requests_failed_total": "Alertmanager about itself",
}
# Empty after the drill, and why that is right.
MAY_BE_EMPTY = {
    "Trouble since A": "nothing fires any more",
    "What is wrong A": "nothing fires any more",
    "Most frequent errors A": "no client saw an error",
    "Minutes with errors A": "no client saw an error",
    "annotation Release change": "each pool kept its release",
    "annotation Other critical alert": "there was none",
    "annotation Maintenance or silence": "nothing was silenced",
}
# What a person waits for a panel, in seconds.
QUICK = 0.2
PROMETHEUS_VARIABLES = {"$__rate_interval", "$__range"}


@pytest.mark.parametrize(("where", "expression", "legend"), QUERIES)
def test_a_query_is_promql(where, expression, legend):
    """As Prometheus' own grammar has it, with no variable left that Grafana would not know."""
    assert set(re.findall(r"\$\w+", expression)) - {"$1"} <= PROMETHEUS_VARIABLES

    promql_parser.parse(filled(expression))


@pytest.mark.parametrize(("where", "expression", "legend"), QUERIES)
def test_a_query_asks_for_what_there_is(where, expression, legend):
    """Every series is the exporter's, recorded by a rule, or in the list of others."""
    asked = names_in(expression)

    assert asked
    assert set() == asked - exported_names() - recorded_names() - OTHERS.keys()


def test_the_list_of_other_series_is_used():
    """What no query needs any more leaves it."""
    asked = {
        name for board in BOARDS.values() for query in queries(board) for name in names_in(query[1])
    }

    assert set() == OTHERS.keys() - asked


def test_what_is_not_there_is_noticed():
    """A name that was misspelt, in each place where one can stand."""
    misspelt = "sum(rate(nginxlog_http_response_total[5m])) / on () limit:eror_ratio"

    found = names_in(misspelt) - exported_names() - recorded_names() - OTHERS.keys()
    assert found == {"nginxlog_http_response_total", "limit:eror_ratio"}


@pytest.fixture(scope="module")
def drilled(running):
    """Return a stack that has seen traffic and a failover, and on which all is well again."""
    faults = Faults(running.settings, LocalRuntime(running.settings))
    with Traffic(f"{running.settings.front}/", rate=30, seconds=120):
        with drill_marked(running.layout), faults.chaos("blue", mode="error"):
            wait_for(
                lambda: running.metric('ALERTS{alertname="PoolFailover",alertstate="firing"}'),
                what="the failover's alert",
                seconds=30,
            )
        wait_for(
            lambda: (
                not running.metric('ALERTS{alertname="PoolFailover"}')
                and running.metric("stack:nginxlog_error_budget_remaining:ratio30d") is not None
            ),
            what="the end of the alert, and the error budget",
            seconds=90,
        )
    return running


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [300, 30 * 86400], ids=["5 minutes", "30 days"])
@pytest.mark.parametrize(("where", "expression", "legend"), QUERIES)
def test_a_query_has_data_after_a_drill(drilled, where, expression, legend, seconds):
    """Data where there must be, the labels that the legend shows, and all of it quickly."""
    step = max(1, seconds // 1000)

    took, series = min(
        (_asked(drilled, expression, seconds, step) for _ in range(3)), key=lambda one: one[0]
    )

    # Over 30 days the grid is so coarse that the minutes of the drill lie between two steps.
    assert series or where in MAY_BE_EMPTY or seconds > 300
    for label in re.findall(r"{{(\w+)}}", legend):
        assert all(each["metric"].get(label) for each in series), label
    assert took < QUICK


def _asked(stack, expression, seconds, step):
    now = time.time()
    began = time.monotonic()
    answer = requests.post(
        f"{stack.settings.url('prometheus')}/api/v1/query_range",
        data={
            "query": filled(expression, rate=f"{max(4, step + 1)}s", range_=f"{seconds}s"),
            "start": now - seconds,
            "end": now,
            "step": step,
        },
        timeout=30,
    ).json()
    took = time.monotonic() - began
    assert "success" == answer["status"], answer
    return took, answer["data"]["result"]


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_marks_are_times_of_now(drilled):
    """A planned switch is marked at the value of its series, in milliseconds."""
    (mark,) = [
        each for each in BOARDS["overview.json"]["annotations"]["list"] if each["useValueForTime"]
    ]
    began = time.time()

    drilled.run("switch", "green")
    drilled.run("switch", "blue")

    def newest():
        _, series = _asked(drilled, mark["target"]["expr"], 60, 1)
        return max((float(value) for each in series for _, value in each["values"]), default=0)

    wait_for(
        lambda: began <= newest() / 1000 <= time.time(),
        what="a mark between the first switch and now",
        seconds=30,
    )
