"""Renders what alertmanager.yml puts into a message, with amtool, before Alertmanager does.

`amtool check-config` is content with a template that fails when it is used. Alertmanager 0.25 then
drops the message; 0.33 sends an empty one and counts it as sent.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from teal.bootstrap import ROOT
from teal.stack import servers
from teal.stack.alertmanager_config import SOURCE

TEMPLATES = ROOT / "alertmanager" / "templates"
LIMIT_SECONDS = 20
# Between two of the configuration's strings; it is in no message.
_BETWEEN = "\x1f"

Data = dict[str, Any]


def broken(templates: Path = TEMPLATES, source: Path = SOURCE) -> list[str]:
    """Return what is wrong, one line each; [] where every message has all that it should say."""
    strings = sorted(_templated(yaml.safe_load(source.read_text())["receivers"]))
    return [f"{name}: {fault}" for name, data in _samples().items()
            for fault in _faults(strings, data, templates)]  # fmt: skip


# Private


def _templated(node: object) -> set[str]:
    """Return every string with a template in it."""
    if isinstance(node, str):
        return {node} if "{{" in node else set()
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return set().union(*map(_templated, children))


def _faults(strings: list[str], data: Data, templates: Path) -> list[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(data, file)
        file.flush()
        result = subprocess.run(
            [
                str(servers.find("amtool")), "template", "render",
                f"--template.glob={templates / '*.tmpl'}",
                f"--template.text={_BETWEEN.join(strings)}",
                f"--template.data={file.name}",
            ],
            capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS,
        )  # fmt: skip
    if result.returncode:
        return [(result.stderr or result.stdout).strip()]
    rendered = result.stdout.split(_BETWEEN)
    return [
        f"{string} renders to nothing"
        for string, text in zip(strings, rendered, strict=True)
        if not text.strip()
    ]


def _samples() -> dict[str, Data]:
    """Return what a template may be given: alerts with all texts, and with none."""
    labels = {"alertname": "PoolFailover", "severity": "critical", "stack": "teal"}
    texts = {"summary": "It fails", "description": "Much.", "impact": "Little."}
    return {
        "an alert that fires": _data(labels, texts, firing=1),
        "an alert that is resolved": _data(labels, texts, resolved=1),
        "an alert without a text": _data({"alertname": "Bare"}, {}, firing=1),
        "a resolved alert without a text": _data({"alertname": "Bare"}, {}, resolved=1),
        "many alerts": _data(labels, texts, firing=6, resolved=6),
        "many resolved alerts": _data(labels, {}, resolved=12),
    }


def _data(
    labels: dict[str, str], texts: dict[str, str], *, firing: int = 0, resolved: int = 0
) -> Data:
    """Return data as Alertmanager gives it to a template, under its JSON names."""
    states = ["firing"] * firing + ["resolved"] * resolved
    return {
        "receiver": "slack",
        "status": states[0],
        "alerts": [
            {
                "status": state,
                "labels": labels,
                "annotations": texts,
                "startsAt": "2026-01-02T14:03:12Z",
                "endsAt": "2026-01-02T14:03:57Z",
                "generatorURL": "http://127.0.0.1:9090/graph",
                "fingerprint": "0123456789abcdef",
            }
            for state in states
        ],
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": texts,
        "externalURL": "http://127.0.0.1:9093",
    }


if __name__ == "__main__":
    # As one of the checks of `make check`.
    faults = broken()
    print("\n".join(faults))
    sys.exit(1 if faults else 0)
