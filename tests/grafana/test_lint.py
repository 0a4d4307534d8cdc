"""The dashboards keep the rules of lint.py, and each rule notices when it is broken."""

import copy

import pytest
from boards import BOARDS, panels
from lint import EXCLUDED, RULES, complaints

from grafana import BOARDS as MADE


def _first(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def _query(board, expression):
    _first(board, "timeseries")["targets"][0]["expr"] = expression


def _set(target, **values):
    target.update(values)


# Rule -> ways to break it on a copy of the Overview.
BROKEN = {
    "provisioned": [
        lambda b: _set(b, id=7),
        lambda b: _set(b, uid="abc123"),
        lambda b: _set(b, editable=True),
        lambda b: _set(b, __inputs=[]),
        lambda b: _set(b, schemaVersion=16),
        lambda b: _set(b, tags=[]),
    ],
    "ids": [
        lambda b: _set(b["panels"][0], id=b["panels"][1]["id"]),
        lambda b: _set(_first(b, "state-timeline")["targets"][0], refId="B"),
    ],
    "places": [
        lambda b: _set(b["panels"][1], gridPos=b["panels"][0]["gridPos"]),
        lambda b: _set(b["panels"][-1], gridPos={"x": 20, "y": 90, "w": 8, "h": 3}),
    ],
    "texts": [
        lambda b: _set(b["panels"][0], title="active_pool"),
        lambda b: _set(b["panels"][0], description="The pool."),
    ],
    "units": [lambda b: _first(b, "timeseries")["fieldConfig"]["defaults"].pop("unit")],
    "emptiness": [lambda b: _first(b, "table")["fieldConfig"]["defaults"].pop("noValue")],
    "axis": [lambda b: _set(_first(b, "timeseries")["fieldConfig"]["defaults"], min=None)],
    "sources": [
        lambda b: _set(b["panels"][0], datasource={"type": "prometheus", "uid": "${DS}"}),
        lambda b: _set(b["annotations"]["list"][0], datasource="Prometheus"),
        lambda b: _set(_first(b, "table")["targets"][0], datasource=None),
    ],
    "rates": [
        lambda b: _query(b, "sum by (pool) (nginxlog_http_responses_total)"),
        lambda b: _query(b, "sum by (pool) (irate(nginxlog_http_responses_total[5m]))"),
    ],
    "windows": [lambda b: _query(b, "sum by (pool) (rate(nginxlog_http_responses_total[30s]))")],
    "limits": [
        lambda b: next(
            panel["targets"][-1].update(expr="vector(0.02)")
            for panel in panels(b)
            if panel["targets"][-1]["expr"] == "limit:error_ratio"
        ),
        lambda b: _first(b, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"].append(
            {"value": 0.02, "color": "red"}
        ),
    ],
    "colors": [
        lambda b: _first(b, "timeseries")["fieldConfig"].update(overrides=[]),
        lambda b: _first(b, "state-timeline")["fieldConfig"]["overrides"].append(
            {
                "matcher": {"id": "byName", "options": "front door"},
                "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "green"}}],
            }
        ),
    ],
    "annotations": [
        lambda b: b["annotations"]["list"].pop(),
        lambda b: _set(b["annotations"]["list"][0], enable=False),
        lambda b: _set(b["annotations"]["list"][0], iconColor="gray"),
    ],
    "links": [
        lambda b: _set(b["links"][0], keepTime=False),
        lambda b: b["links"].pop(),
        lambda b: b["templating"]["list"].clear(),
    ],
    "legends": [
        lambda b: _set(_first(b, "timeseries")["targets"][0], legendFormat=""),
        lambda b: _set(
            _first(b, "state-timeline")["targets"][0], legendFormat="{{pool}} is desired"
        ),
    ],
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_keeps_the_rules(name):
    """No complaint that has no reason."""
    assert [] == complaints(BOARDS[name])


@pytest.mark.parametrize(
    ("rule", "breaks"),
    [
        pytest.param(rule, breaks, id=f"{rule} {number}")
        for rule, ways in BROKEN.items()
        for number, breaks in enumerate(ways)
    ],
)
def test_a_broken_rule_is_noticed(rule, breaks):
    """By that rule."""
    board = copy.deepcopy(BOARDS["overview.json"])

    breaks(board)

    assert rule in {name for name, _ in complaints(board)}


def test_every_rule_is_broken_once():
    """A rule that cannot fail is none."""
    assert RULES.keys() == BROKEN.keys()


@pytest.mark.parametrize(("rule", "title"), EXCLUDED)
def test_an_exclusion_is_needed(rule, title):
    """One that nothing needs any more would hide the next fault."""
    titles = {
        complaint.split(": ")[0] for board in BOARDS.values() for complaint in RULES[rule](board)
    }

    assert title in titles


def test_uids_are_those_that_links_use():
    """They never change: links in messages and bookmarks go by them."""
    uids = {name: board["uid"] for name, board in BOARDS.items()}

    assert uids == {
        "objective.json": "teal-objective",
        "overview.json": "teal-overview",
        "pipeline.json": "teal-pipeline",
    }


def test_the_files_are_what_the_code_makes():
    """`make dashboards` was run."""
    assert {name: make() for name, make in MADE.items()} == BOARDS
