"""Which alert goes to which receiver, by the shipped route tree."""

import subprocess
from pathlib import Path

import pytest
import yaml
from catalogue import ALERTS
from versions import VERSIONS, program

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "alertmanager" / "alertmanager.yml"
# Everything else goes to `slack`.
ELSEWHERE = {
    "Watchdog": "heartbeat",
    "PoolSwitched": "slack-info",
    "CountersReset": "slack-info",
}
ROUTES = {
    **{
        f"alertname={name} severity={severity} category={category}": ELSEWHERE.get(name, "slack")
        for name, (severity, category) in ALERTS.items()
    },
    "alertname=SlackTest severity=info category=meta": "slack-test",
    "alertname=Quiet severity=none": "nobody",
    # Someone's own alert, without our labels, is not lost.
    "alertname=Anything": "slack",
    "alertname=Anything severity=page": "slack",
    "alertname=Anything severity=info": "slack-info",
}


def _amtool(version, *arguments):
    return subprocess.run(
        [program(version).with_name("amtool"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("labels", ROUTES)
def test_an_alert_reaches_its_receiver(version, labels):
    """The route tree is a table from labels to receiver."""
    result = _amtool(
        version, "config", "routes", "test", f"--config.file={CONFIG}",
        f"--verify.receivers={ROUTES[labels]}", *labels.split(),
    )  # fmt: skip

    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_configuration_is_valid(version):
    """For Debian 12's Alertmanager as for the newest."""
    result = _amtool(version, "check-config", CONFIG)

    assert 0 == result.returncode, result.stdout + result.stderr


def test_every_alert_of_the_rules_is_in_the_table():
    """With the labels it has there: routes and inhibition were reviewed for these."""
    rules = [
        rule
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    for rule in rules:
        labels = rule["labels"]["severity"], rule["labels"]["category"]
        assert ALERTS.get(rule["alert"]) == labels, rule["alert"]
