"""Silences in Alertmanager: each with an end, an author and a reason."""

import argparse
import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from teal.settings import Settings

LIMIT_SECONDS = 5
# What a maintenance may be expected to set off. That the stack is watched at all (telemetry, meta,
# host) must not be: nobody wants to find out afterwards that it was not.
PLANNED = ("pool", "errors", "outage", "latency", "traffic", "slo", "release")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Matchers = list[dict[str, Any]]


@dataclass(frozen=True)
class Silence:
    """A silence that is in force now."""

    id: str
    what: str
    by: str
    why: str
    since: datetime
    until: datetime
    is_maintenance: bool


def duration(text: str) -> timedelta:
    """Read 30m, 2h or 1d, for argparse. Raises ArgumentTypeError that says what is right."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 30m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def reason(text: str) -> str:
    """Read a reason, for argparse. Raises ArgumentTypeError where it is empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason must say something: WHY='new disk'")
    return text.strip()


def one_alert(name: str) -> Matchers:
    """Return what silences one alert."""
    return [_matcher("alertname", name)]


def alerts(stack: str, names: Sequence[str]) -> Matchers:
    """Return what silences some alerts of this stack."""
    return [_matcher("stack", stack), _matcher("alertname", "|".join(names), is_regex=True)]


def maintenance(stack: str) -> Matchers:
    """Return what silences all that a maintenance of this stack may set off."""
    return [_matcher("stack", stack), _matcher("category", "|".join(PLANNED), is_regex=True)]


def create(
    settings: Settings, *, matchers: Matchers, until: datetime, why: str, replaces: str = ""
) -> str:
    """Create a silence, or change the one with the id `replaces`. Return its id."""
    answer = requests.post(
        settings.url("alertmanager") + "/api/v2/silences",
        json={
            **({"id": replaces} if replaces else {}),
            "matchers": matchers,
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": until.isoformat(),
            "createdBy": getpass.getuser(),
            "comment": why,
        },
        timeout=LIMIT_SECONDS,
    )
    _raise_in_words(answer)
    return str(answer.json()["silenceID"])


def end(settings: Settings, silence: Silence) -> None:
    """End a silence now."""
    url = f"{settings.url('alertmanager')}/api/v2/silence/{silence.id}"
    _raise_in_words(requests.delete(url, timeout=LIMIT_SECONDS))


def in_force(settings: Settings) -> list[Silence]:
    """Return the silences that are in force now; the one that ends first comes first."""
    answer = requests.get(settings.url("alertmanager") + "/api/v2/silences", timeout=LIMIT_SECONDS)
    _raise_in_words(answer)
    found = [_read(each, settings) for each in answer.json() if _is_active(each)]
    return sorted(found, key=lambda silence: silence.until)


# Private


def _matcher(name: str, value: str, *, is_regex: bool = False) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": is_regex, "isEqual": True}


def _is_active(silence: dict[str, Any]) -> bool:
    return bool(silence["status"]["state"] == "active")


def _read(silence: dict[str, Any], settings: Settings) -> Silence:
    matchers = silence["matchers"]
    is_maintenance = _compared(matchers) == _compared(maintenance(settings.stack))
    return Silence(
        id=silence["id"],
        what="maintenance" if is_maintenance else ", ".join(map(_words, matchers)),
        by=silence["createdBy"],
        why=silence["comment"],
        since=datetime.fromisoformat(silence["startsAt"]),
        until=datetime.fromisoformat(silence["endsAt"]),
        is_maintenance=is_maintenance,
    )


def _compared(matchers: Matchers) -> set[tuple[str, str, bool, bool]]:
    return {(m["name"], m["value"], m["isRegex"], m.get("isEqual", True)) for m in matchers}


def _words(matcher: dict[str, Any]) -> str:
    if matcher["name"] == "alertname" and not matcher["isRegex"]:
        return str(matcher["value"])
    equal = matcher.get("isEqual", True)
    sign = ("=~" if equal else "!~") if matcher["isRegex"] else ("=" if equal else "!=")
    return f"{matcher['name']}{sign}{matcher['value']}"


def _raise_in_words(answer: requests.Response) -> None:
    if not answer.ok:
        raise requests.HTTPError(f"Alertmanager: {answer.text.strip() or answer.reason}")
