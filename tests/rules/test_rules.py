"""What every rule keeps to: names, limits, texts; and its tests, on both Prometheus versions."""

import re

import pytest
import yaml
from fix_stack import ROOT, cannot_run

from teal.debian import UnavailableError
from tools.mutation.promtool import RULES as FOLDER
from tools.mutation.promtool import newest, oldest, rule_tests

GROUPS = [
    group
    for path in sorted(FOLDER.glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
LIMITS = {name for name in RECORDED if name.startswith("limit:")}
TESTS = {path.name: yaml.safe_load(path.read_text()) for path in rule_tests()}

CATEGORIES = {
    "errors", "pool", "outage", "release", "latency",
    "traffic", "slo", "telemetry", "host", "meta",
}  # fmt: skip
ANNOTATIONS = {"summary", "description", "impact", "runbook_url", "dashboard_url", "silence_url"}
# A recorded series is named for what it keeps, what it is of, and how it came about.
NAME = r"[a-z_]+:[a-z_]+[0-9a-z_]*:[a-z0-9_]+"


@pytest.mark.parametrize("find", [oldest, newest], ids=["2.42", "3.5"])
def test_the_rules_keep_their_promises(find):
    """tests/rules/*.yml, on the oldest Prometheus that is supported and on a current one."""
    try:
        promtool = find()
    except UnavailableError as error:
        cannot_run(f"promtool: {error}")

    passed, said = promtool.test(rule_tests())

    assert passed, said


@pytest.mark.parametrize("find", [oldest, newest], ids=["2.42", "3.5"])
def test_the_rules_are_read(find):
    """Without a complaint, by both."""
    try:
        promtool = find()
    except UnavailableError as error:
        cannot_run(f"promtool: {error}")

    passed, said = promtool.run(
        "check", "rules", "--lint=all", "--lint-fatal", *sorted(FOLDER.glob("*.yml"))
    )

    assert passed, said


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_all_that_a_message_needs(alert):
    """Severity, category, texts and links."""
    # The dashboards find the runbook by it.
    more = {"runbook_url"} if alert["alert"] == "Watchdog" else set()
    assert {"severity", "category"} | more == set(alert["labels"])
    assert alert["labels"]["severity"] in ("critical", "warning", "info", "none")
    assert alert["labels"]["category"] in CATEGORIES
    texts = alert["annotations"]
    assert set(texts) == ANNOTATIONS
    for link in ("dashboard_url", "silence_url"):
        assert f"{{{{ $externalLabels.{link} }}}}" == texts[link]
    anchor = alert["alert"].lower()
    assert f"{{{{ $externalLabels.runbook_url }}}}#{anchor}" == texts["runbook_url"]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_speaks_in_sentences(alert):
    """A headline has no full stop and is one line; the other texts end with one."""
    texts = alert["annotations"]

    assert "\n" not in texts["summary"]
    assert not texts["summary"].endswith(".")
    assert re.search(r"[.?](\s*\{\{-? end \}\})?$", texts["description"].strip())
    assert re.search(r"\.$", texts["impact"].strip())
    assert "now" not in texts["summary"].split(), "a resolved message says it again, later"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_section_in_the_runbook(alert):
    """The button of its message leads there."""
    assert f"\n## {alert['alert']}\n" in (ROOT / "docs" / "runbook.md").read_text()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_to_fire_with_its_whole_message_and_to_be_silent(alert):
    """At least one tick each."""
    ticks = [
        tick
        for content in TESTS.values()
        for test in content["tests"]
        for tick in test.get("alert_rule_test", [])
        if tick["alertname"] == alert["alert"]
    ]
    assert any(tick["exp_alerts"] for tick in ticks)
    if alert["alert"] == "Watchdog":
        return
    silent = [
        test["expr"]
        for content in TESTS.values()
        for one in content["tests"]
        for test in one.get("promql_expr_test", [])
        if not test["exp_samples"] and re.search(rf"\b{alert['alert']}\b|^ALERTS$", test["expr"])
    ]

    assert silent or any(not tick["exp_alerts"] for tick in ticks)


@pytest.mark.parametrize("alert", ALERTS)
def test_limits_are_series_not_numbers(alert):
    """No alert compares with, multiplies or adds a number of its own, but 0 and 1."""
    code = re.sub(r'"[^"]*"|\[[^\]]*\]|\boffset \w+', "", alert["expr"])

    assert set(re.findall(r"(?<![\w:.])\d[\d.]*(?![\w:])", code)) <= {"0", "1"}, alert["expr"]


@pytest.mark.parametrize("alert", ALERTS)
def test_a_limit_is_named_in_the_message(alert):
    """With its value: `query` reads the series. Times after a switch are no limits of the fault."""
    silent = {"limit:switch_settle_seconds", "limit:switch_follow_seconds"}
    silent |= {"limit:release_trial_seconds", "limit:last_requests_age_seconds"}
    # What is too little to say anything is no limit either.
    silent |= {name for name in LIMITS if re.search("_(requests|errors|lines)$", name)}
    silent |= {"limit:log_backlog_bytes"}
    used = set(re.findall(r"limit:\w+", alert["expr"])) - silent
    if alert["alert"] == "LimitMissing":
        return

    assert used <= set(re.findall(r"limit:\w+", alert["annotations"]["description"]))


def test_every_limit_is_used_exists_and_is_guarded():
    """LimitMissing speaks when one is gone: the alerts that need it could not."""
    guard = next(rule["expr"] for rule in RULES if rule.get("alert") == "LimitMissing")
    used = {
        name for rule in RULES if rule["expr"] != guard
        for name in re.findall(r"limit:\w+", rule["expr"])
    }  # fmt: skip

    assert used == LIMITS
    assert set(re.findall(r"absent\((limit:\w+)\)", guard)) == LIMITS


def test_every_recorded_series_is_named_after_its_level_metric_and_operations():
    """And limits after themselves."""
    for name in RECORDED - LIMITS:
        assert re.fullmatch(NAME, name), name
    for name in LIMITS:
        assert re.fullmatch(r"limit:[a-z0-9_]+", name), name


def test_recorded_series_stand_before_their_use_in_the_group_that_uses_them():
    """A series from another group can be missing for one evaluation; limits never change."""
    for group in GROUPS:
        before = set()
        for rule in group["rules"]:
            used = set(re.findall(r"\b[a-z_]+:nginxlog\w+:\w+", rule["expr"]))
            # What a series keeps of itself was there at the last evaluation.
            assert used - {rule.get("record")} <= before, rule
            before.add(rule.get("record"))


def test_a_group_is_named_once_and_says_how_often_it_is_looked_at():
    """RuleEvaluationFailing names it."""
    names = [group["name"] for group in GROUPS]

    assert sorted(set(names)) == sorted(names)
    assert [] == [group["name"] for group in GROUPS if "interval" not in group]
