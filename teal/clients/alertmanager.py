"""Alertmanager: silences, alerts, deliveries. Its API v2, api/v2/openapi.yaml of its source."""

import getpass
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

import requests

from teal.clients.http import LIMIT_SECONDS, Client

# So long after its start it tells nothing: --dispatch.start-delay, as we give it to versions that
# know it.
START_DELAY_SECONDS = 15
START_DELAY_SINCE = (0, 30)


class Matcher(TypedDict):
    """What a label must be for a silence to hold."""

    name: str
    value: str
    isRegex: bool
    isEqual: NotRequired[bool]


@dataclass(frozen=True)
class Silence:
    """A silence that is in force now."""

    id: str
    matchers: Sequence[Matcher]
    by: str
    why: str
    since: datetime
    until: datetime


class PostedAlert(TypedDict):
    """An alert as Alertmanager takes it; times are RFC 3339."""

    labels: dict[str, str]
    annotations: NotRequired[dict[str, str]]
    startsAt: str
    endsAt: str


@dataclass(frozen=True)
class Deliveries:
    """How many attempts to deliver a notification there have been."""

    attempts: float
    failed: float

    @property
    def delivered(self) -> float:
        """Attempts that were taken."""
        return self.attempts - self.failed


class Alertmanager(Client):
    """Asks and tells Alertmanager. What it refuses is a requests.HTTPError in its own words."""

    def silences(self) -> list[Silence]:
        """Return the silences that are in force now; the one that ends first comes first."""
        answer = requests.get(f"{self.url}/api/v2/silences", timeout=LIMIT_SECONDS)
        _raise_in_words(answer)
        found = [_read(each) for each in answer.json() if each["status"]["state"] == "active"]
        return sorted(found, key=lambda silence: silence.until)

    def silence(
        self, matchers: Sequence[Matcher], *, until: datetime, why: str, replaces: str = ""
    ) -> str:
        """Create a silence, or change the one with the id `replaces`. Return its id."""
        answer = requests.post(
            f"{self.url}/api/v2/silences",
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

    def end_silence(self, silence_id: str) -> None:
        """End a silence now."""
        url = f"{self.url}/api/v2/silence/{silence_id}"
        _raise_in_words(requests.delete(url, timeout=LIMIT_SECONDS))

    def post(self, alerts: Sequence[PostedAlert]) -> None:
        """Tell it of alerts, as Prometheus does."""
        answer = requests.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=LIMIT_SECONDS)
        _raise_in_words(answer)

    def speaks_in(self) -> float:
        """Return for how many seconds it tells nothing yet, because it has just started."""
        version, started = "", 0.0
        for sample in self.samples():
            if sample.name == "alertmanager_build_info":
                version = sample.labels["version"]
            elif sample.name == "process_start_time_seconds":
                started = sample.value
        if tuple(map(int, re.findall(r"[0-9]+", version)[:2])) < START_DELAY_SINCE:
            return 0.0
        # One second more: what was due in the delay is told at the next turn.
        return max(0.0, started + START_DELAY_SECONDS + 1 - time.time())

    def deliveries(self, integration: str) -> Deliveries:
        """Return what became of notifications by an integration, such as `slack`."""
        prefix = "alertmanager_notification_requests"
        values: dict[str, float] = {}
        for sample in self.samples():
            if sample.name.startswith(prefix) and sample.labels.get("integration") == integration:
                values[sample.name] = values.get(sample.name, 0) + sample.value
        return Deliveries(values[f"{prefix}_total"], values[f"{prefix}_failed_total"])


# Private


def _read(silence: dict[str, Any]) -> Silence:
    return Silence(
        id=silence["id"],
        matchers=silence["matchers"],
        by=silence["createdBy"],
        why=silence["comment"],
        since=datetime.fromisoformat(silence["startsAt"]),
        until=datetime.fromisoformat(silence["endsAt"]),
    )


def _raise_in_words(answer: requests.Response) -> None:
    if not answer.ok:
        raise requests.HTTPError(f"Alertmanager: {answer.text.strip() or answer.reason}")
