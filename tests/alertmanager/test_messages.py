"""The messages as the real Alertmanager sends them, of either version, compared with golden files.

`UPDATE_GOLDEN=1` writes the files anew; look at the difference before you commit it.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from catalogue import ALERTS
from versions import VERSIONS
from world import FUTURE, World

from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

GOLDEN = Path(__file__).parent / "golden"
# An alert that began longer ago than its group waits is told at once, before the others of its
# group are there: these begin a little later than they are posted. In the golden files the times
# are those below.
AHEAD = timedelta(seconds=5)
BEGAN, ENDED = "2026-01-02 14:03:12", "2026-01-02 14:03:15"
LASTED = timedelta(seconds=3)
LINKS = {
    "runbook_url": "http://books/runbook#thealert",
    "dashboard_url": "http://boards/d/teal-overview",
}


def _alert(name, texts, *, links=True, **labels):
    severity, category = ALERTS.get(name, ("critical", "pool"))
    return {
        "labels": {"alertname": name, "severity": severity, "category": category, **labels},
        "annotations": {**texts, **(LINKS if links else {})},
        "endsAt": (datetime.now(UTC) + FUTURE).isoformat(),
        "generatorURL": "http://prometheus/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }


def _texts(summary, description="What it means.", impact="Nothing."):
    return {"summary": summary, "description": description, "impact": impact}


def _targets(count):
    return [
        _alert("TargetDown", _texts(f"target {n:02} is down"), instance=f"i{n:02}")
        for n in range(count)
    ]


HOSTILE = "<!channel> <@U1> *b* _i_ `c` <http://evil|click> & &lt; \" ' \\ {{ .Alerts }} $& ${1}"
# Each is a stack of its own.
CASES = {
    "failover": [
        _alert(
            "PoolFailover",
            _texts(
                "Failover: blue stopped answering, green is serving",
                "Nobody ran a switch: blue (release v1) is the desired pool and green (release v2) "
                "answers instead. 17 requests were repeated and saved in the last minute.",
                "Hardly anything: some answers come later.",
            ),
            **{"from": "blue", "to": "green"},
        )
    ],
    "switched": [
        _alert("PoolSwitched", _texts("Switched as planned: green is serving instead of blue"))
    ],
    "warning-with-silence-link": [
        _alert(
            "StandbyPoolDown",
            {
                **_texts("Redundancy lost", impact="Nothing yet."),
                "silence_url": "http://books/runbook#silence-an-alert",
            },
            pool="green",
        )
    ],
    "two": _targets(2),
    "twelve": _targets(12),
    "without-annotations": [_alert("Bare", {}, links=False)],
    "without-labels": [
        {**_alert("", {}, links=False), "labels": {"team": "ours"}, "generatorURL": ""}
    ],
    "hostile": [_alert("Hostile", _texts(HOSTILE, HOSTILE, HOSTILE), file=HOSTILE)],
    "long": [
        _alert(f"Long{'g' * 300}", _texts("ä" * 5000, "&" * 5000, "x" * 5000), severity="warning")
    ],
}
# How many of a case's alerts end first, before the rest of them does.
ENDS_FIRST = {"two": 1, "twelve": 6}
PHASES = [
    (case, phase)
    for case in CASES
    for phase in ("firing", "mixed", "resolved")
    if (phase != "mixed" or case in ENDS_FIRST) and (phase == "firing" or case != "switched")
]


@pytest.fixture(scope="module", params=VERSIONS)
def told(request):
    """Return every message of every case, in order, as the inbox took them."""
    with World(request.param, faster=5) as world:
        began = datetime.now(UTC).replace(microsecond=0) + AHEAD
        alerts = {
            case: [
                {
                    **each,
                    "labels": {**each["labels"], **_stack(case)},
                    "startsAt": began.isoformat(),
                }
                for each in CASES[case]
            ]
            for case in CASES
        }
        ended = began + LASTED
        messages = {}
        for phase in ("firing", "mixed", "resolved"):
            wanted = [case for case, its in PHASES if its == phase]
            if phase != "firing":
                wait_for(lambda: datetime.now(UTC) > ended, what="the end", seconds=20)
            for case in wanted:
                world.post(*_as_in(phase, case, alerts[case], ended))
            seen = wait_for(
                lambda messages=messages, wanted=wanted: _new(world, messages, len(wanted)),
                what=f"{len(wanted)} messages about what is {phase}",
                seconds=20,
            )
            messages.update({(case, phase): payload for case, payload in seen.items()})
        changes = {world.url: "http://alertmanager"}
        for at, fixed in ((began, BEGAN), (ended, ENDED)):
            changes |= {f"{at:%Y-%m-%d %H:%M:%S}": fixed, f"{at:%H:%M:%S}": fixed.split()[1]}
        # What the dashboard shows, in milliseconds.
        changes[f"from={_ms(began - timedelta(minutes=15))}"] = "from=14:03:12-15m"
        changes[f"to={_ms(ended + timedelta(minutes=5))}"] = "to=14:03:15+5m"
        yield {key: _normal(payload, changes) for key, payload in messages.items()}
        assert len(PHASES) == len(world.inbox.messages()), "each was told once"
        assert 0 == world.metric("alertmanager_notification_requests_failed_total")


def _ms(at):
    return int(at.timestamp() * 1000)


def _stack(case):
    return {} if case == "without-labels" else {"stack": case}


def _as_in(phase, case, alerts, ended):
    if phase == "firing":
        return alerts
    count = ENDS_FIRST[case] if phase == "mixed" else len(alerts)
    return [{**alert, "endsAt": ended.isoformat()} for alert in alerts[:count]]


def _new(world, before, count):
    """Return the newest messages by case, once there are so many; None until then."""
    messages = world.inbox.messages()[len(before) :]
    if len(messages) < count:
        return None
    return {_case(m["payload"]): m["payload"] for m in messages}


def _case(payload):
    stack = payload["attachments"][0]["footer"].split(" · ")[0]
    return stack or "without-labels"


def _normal(payload, changes):
    text = json.dumps(payload, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    for seen, fixed in changes.items():
        text = text.replace(seen, fixed)
    return text


@pytest.mark.parametrize(("case", "phase"), PHASES)
def test_a_message_is_as_it_was_agreed(told, case, phase):
    """Every field of the message, for one alert and for many, with and without texts."""
    text = told[case, phase]
    golden = GOLDEN / f"{case}-{phase}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert golden.read_text() == text


def test_no_golden_file_is_left_over():
    """Each belongs to a case."""
    files = {path.stem for path in GOLDEN.glob("*.json")}

    assert {f"{case}-{phase}" for case, phase in PHASES} == files


def test_nothing_from_outside_is_markup(told):
    """No text of an alert mentions anyone, nor hides where a link leads."""
    for text in (told["hostile", "firing"], told["hostile", "resolved"]):
        assert "<" not in text
        assert ">" not in text
