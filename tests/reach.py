"""What nobody but this machine may do with a stack: one table for pages, pools and neighbours."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from teal.clients.alertmanager import Alertmanager

ROOT = Path(__file__).resolve().parents[1]
HTTP = {"Content-Type": "application/json"}


def _body(value):
    return json.dumps(value)


def silence():
    """Return a silence of everything."""
    now = datetime.now(UTC)
    return {
        "matchers": [{"name": "stack", "value": ".*", "isRegex": True, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "evil",
        "comment": "evil",
    }


ALERT = [{"labels": {"alertname": "Evil", "severity": "critical", "category": "pool"}}]
MESSAGE = {"text": "evil", "attachments": [{"title": "evil"}]}


def acts(canary):
    """Return part -> what may be done to it: method, path, body. `canary`: an address to probe."""
    return {
        "alertmanager": [
            ("POST", "/api/v2/silences", _body(silence())),
            ("POST", "/api/v2/alerts", _body(ALERT)),
            ("POST", "/-/reload", ""),
            ("GET", "/api/v2/status", None),
            ("GET", "/api/v2/alerts", None),
        ],
        "prometheus": [
            ("GET", "/api/v1/query?query=up", None),
            ("GET", "/api/v1/status/config", None),
            ("POST", "/-/reload", ""),
            ("GET", "/metrics", None),
        ],
        "blackbox": [
            ("GET", f"/probe?module=pool&target={canary}", None),
            ("GET", "/config", None),
            ("POST", "/-/reload", ""),
        ],
        "inbox": [
            ("POST", "/services/local/inbox/webhook", _body(MESSAGE)),
            ("POST", "/api/trouble?status=500&seconds=60", ""),
            ("DELETE", "/api/messages", None),
            ("GET", "/api/messages", None),
            ("GET", "/events", None),
        ],
        "exporter": [("GET", "/metrics", None)],
        "status": [("GET", "/stub_status", None)],
        "blue": [
            ("POST", "/chaos/start?mode=error&seconds=60", ""),
            ("GET", "/chaos/start?mode=error&seconds=60", None),
            ("GET", "/chaos", None),
        ],
        "green": [
            ("POST", "/chaos/start?mode=error&seconds=60", ""),
            ("GET", "/chaos/start?mode=error&seconds=60", None),
            ("GET", "/chaos", None),
        ],
    }


class Untouched:
    """A context in which nothing of a stack changes, whatever is tried; looked at from outside."""

    def __init__(self, settings):
        self._settings = settings

    def __enter__(self):
        self._before, self._told = self._state(), self._messages()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            assert self._before == self._state()
            # The stack itself may have told something meanwhile.
            told = self._messages()
            assert self._told.keys() <= told.keys()
            assert not [text for text in told.values() if "evil" in text.lower()]

    def _messages(self):
        found = requests.get(self._settings.url("inbox") + "/api/messages", timeout=5).json()
        return {message["id"]: str(message) for message in found["messages"]}

    def _state(self):
        url = self._settings.url
        alerts = requests.get(url("alertmanager") + "/api/v2/alerts", timeout=5).json()
        metrics = requests.get(url("alertmanager") + "/metrics", timeout=5).text
        return {
            "trouble": requests.get(url("inbox") + "/api/trouble", timeout=5).json()["trouble"],
            "silences": len(Alertmanager(url("alertmanager")).silences()),
            "alerts": "Evil" in str(alerts),
            "reloads": re.search(r"last_reload_success_timestamp_seconds (\S+)", metrics)[1],
            "faults": [
                requests.get(url(pool) + "/chaos", timeout=5).json()["mode"]
                for pool in ("blue", "green")
            ],
        }


def ports_of_the_readme():
    """Return setting -> (default port, who reaches it), as README's table says."""
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| ([\d, ]+) \| (`[^|]+`) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    found = {}
    for ports, settings, who in rows:
        names = re.findall(r"`(\w+)`", settings)
        for port, name in zip(ports.split(", "), names, strict=True):
            found[name] = (int(port), who)
    return found
