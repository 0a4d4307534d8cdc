"""The messages as the real Alertmanager sends them, compared with golden files.

`UPDATE_GOLDEN=1` writes the files anew; look at the difference before you commit it.
"""

import json
import os
import subprocess
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from fix_stack import free_ports

from teal import api, packages
from teal.layout import Layout
from teal.programs import programs
from teal.settings import load
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
START = "2026-01-02T14:03:12Z"
END = "2026-01-02T14:03:57Z"
FUTURE = "2199-01-01T00:00:00Z"

LINKS = {
    "runbook_url": "http://books/runbook#thealert",
    "dashboard_url": "http://boards/d/teal-overview",
}


def _alert(name, severity, annotations, **labels):
    return {
        "labels": {"alertname": name, "severity": severity, "stack": "teal", **labels},
        "annotations": annotations,
        "startsAt": START,
        "endsAt": FUTURE,
        "generatorURL": "http://prometheus/graph",
    }


def _texts(summary, description="What it means."):
    return {"summary": summary, "description": description, **LINKS}


FAILOVER = _alert(
    "PoolFailover",
    "critical",
    _texts("Failover: traffic moved blue → green", "blue is the desired pool but stopped serving."),
    **{"from": "blue", "to": "green", "category": "pool"},
)
CASES = {
    "failover": [FAILOVER],
    "switched": [
        _alert(
            "PoolSwitched",
            "info",
            _texts("Switched: traffic moved blue → green as planned"),
            # Another stack: a failover of the same one would inhibit it.
            **{"from": "blue", "to": "green", "stack": "shop"},
        )
    ],
    "warning-with-silence-link": [
        _alert(
            "StandbyPoolDown",
            "warning",
            {**_texts("Redundancy lost"), "silence_url": "http://books/runbook#silence-an-alert"},
            pool="green",
            stack="shop",
        )
    ],
    "twelve": [
        _alert("TargetDown", "warning", _texts(f"target {n:02} is down"), instance=f"i{n:02}")
        for n in range(12)
    ],
    "without-annotations": [_alert("Bare", "critical", {})],
    "hostile": [
        _alert(
            "Hostile", "critical", _texts("<!channel> *bold* <http://evil|click>", "a & b < c > d")
        )
    ],
}


class SlackDouble:
    """Takes what Slack would take and remembers it by alert."""

    def __init__(self):
        self.received = []
        self.address = ""
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                double.received.append(json.loads(body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        """The address that stands for the webhook."""
        return f"http://127.0.0.1:{self.server.server_port}/services/x"

    def about(self, name, word):
        """Return the message about an alert whose title does or does not begin as resolved."""
        for message in self.received:
            attachment = message["attachments"][0]
            resolved = attachment["title"].startswith("✅")
            if attachment["footer"].endswith(f"· {name}") and resolved == (word == "resolved"):
                return message
        return None


@pytest.fixture(scope="module")
def slack(tmp_path_factory):
    """Return a double that has received every case from the shipped configuration."""
    packages.fetch_missing()
    double = SlackDouble()
    (port,) = free_ports(1)
    settings = load(
        {
            "TEAL_DIR": str(tmp_path_factory.mktemp("am")),
            "ALERTMANAGER_PORT": str(port),
            "SLACK_WEBHOOK_URL": double.url,
        }
    )
    layout = Layout(settings.directory)
    layout.make(settings, hosts=defaultdict(lambda: "127.0.0.1"), pools={})
    program = next(p for p in programs(settings, layout) if p.name == "alertmanager")
    process = subprocess.Popen(
        program.command, cwd=program.directory, stderr=(settings.directory / "am.log").open("wb")
    )
    double.address = settings.url("alertmanager")
    try:
        wait_for(lambda: _ready(port), what="Alertmanager", seconds=20)
        alerts = [alert for case in CASES.values() for alert in case]
        _post(port, alerts)
        names = {alert["labels"]["alertname"] for alert in alerts}
        wait_for(
            lambda: all(double.about(name, "firing") for name in names),
            what=f"a message for each of {names}",
            seconds=20,
        )
        ended = [{**alert, "endsAt": END} for alert in alerts]
        _post(port, ended)
        names.remove("PoolSwitched")
        wait_for(
            lambda: all(double.about(name, "resolved") for name in names),
            what=f"a resolved message for each of {names}",
            seconds=30,
        )
        yield double
    finally:
        process.terminate()
        process.wait(timeout=20)
        double.server.shutdown()


def _post(port, alerts):
    url = f"http://127.0.0.1:{port}/api/v2/alerts"
    requests.post(url, json=alerts, timeout=5).raise_for_status()


def _ready(port):
    return api.is_healthy(f"http://127.0.0.1:{port}/-/ready")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("word", ["firing", "resolved"])
def test_a_message_is_as_it_was_agreed(slack, case, word):
    """Every field of the message, for one alert and for many, with and without texts."""
    name = CASES[case][0]["labels"]["alertname"]
    message = slack.about(name, word)
    if name == "PoolSwitched" and word == "resolved":
        assert message is None
        return
    golden = GOLDEN / f"{case}-{word}.json"
    text = json.dumps(message, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    text = text.replace(slack.address, "http://alertmanager")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert golden.read_text() == text


def test_each_group_gets_one_message(slack):
    """Twelve alerts of one kind are one message, not twelve."""
    about = [m["attachments"][0]["footer"] for m in slack.received]

    assert 2 == about.count("teal · TargetDown")
    assert 1 == about.count("shop · PoolSwitched")
