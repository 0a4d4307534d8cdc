"""Which alert goes to which receiver, by the shipped route tree."""

import subprocess
from pathlib import Path

import pytest

from teal import packages

CONFIG = Path(__file__).resolve().parents[2] / "alertmanager" / "alertmanager.yml"

ROUTES = [
    ("alertname=PoolFailover severity=critical category=pool", "slack"),
    ("alertname=AllPoolsDown severity=critical category=outage", "slack"),
    ("alertname=FrontDoorDown severity=critical category=outage", "slack"),
    ("alertname=ErrorRatioHigh severity=critical category=errors", "slack"),
    ("alertname=StandbyPoolDown severity=warning category=pool", "slack"),
    ("alertname=TargetDown severity=warning category=meta", "slack"),
    ("alertname=PoolSwitched severity=info category=pool", "slack-info"),
    ("alertname=Watchdog severity=none category=meta", "nobody"),
    # Someone's own alert, without our labels, is not lost.
    ("alertname=Anything", "slack"),
]


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_an_alert_reaches_its_receiver(labels, receiver):
    """The route tree is a table from labels to receiver."""
    packages.fetch_missing()
    result = subprocess.run(
        [packages.find("amtool"), "config", "routes", "test", f"--config.file={CONFIG}",
         f"--verify.receivers={receiver}", *labels.split()],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip

    assert 0 == result.returncode, result.stdout + result.stderr
