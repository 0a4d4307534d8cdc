"""Prometheus: instant queries and alerts.

https://prometheus.io/docs/prometheus/latest/querying/api/ says what it answers.
"""

from dataclasses import dataclass
from typing import Any

import requests

from teal.clients.http import LIMIT_SECONDS, Client


@dataclass(frozen=True)
class Alert:
    """An alert as Prometheus evaluates it; `active_at` is an RFC 3339 time."""

    name: str
    state: str
    labels: dict[str, str]
    summary: str
    active_at: str

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look: it fires and is more than information."""
        return self.state == "firing" and self.labels.get("severity") not in ("info", "none")


class Prometheus(Client):
    """Asks Prometheus."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate PromQL now. Returns Prometheus' result list; a scalar becomes a list of one.

        Raises requests.HTTPError with Prometheus' own words when the expression is wrong.
        """
        answer = requests.post(
            f"{self.url}/api/v1/query", data={"query": expression}, timeout=LIMIT_SECONDS
        )
        if answer.status_code == requests.codes.bad_gateway:
            raise requests.ConnectionError("Prometheus does not answer")
        body = answer.json()
        if body["status"] != "success":
            raise requests.HTTPError(f"Prometheus: {body.get('error', answer.text)}")
        result = body["data"]["result"]
        if body["data"]["resultType"] in ("scalar", "string"):
            return [{"metric": {}, "value": result}]
        return list(result)

    def value(self, expression: str) -> float | None:
        """Evaluate PromQL that yields one number; None where it yields nothing."""
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def alerts(self) -> list[Alert]:
        """Return the alerts that are pending or firing, but not the Watchdog."""
        found = self.get("/api/v1/alerts").json()["data"]["alerts"]
        return [
            Alert(
                name=alert["labels"]["alertname"],
                state=alert["state"],
                labels=alert["labels"],
                summary=alert["annotations"].get("summary", ""),
                active_at=alert["activeAt"],
            )
            for alert in found
            if alert["labels"]["alertname"] != "Watchdog"
        ]
