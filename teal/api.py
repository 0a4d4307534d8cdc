"""What the commands ask the running parts over HTTP, typed. Each call has a time limit."""

from dataclasses import dataclass
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from teal.settings import POOLS, Settings

LIMIT_SECONDS = 5


@dataclass(frozen=True)
class Pools:
    """What the exporter sees: which pool is declared, which one serves, and what each runs."""

    desired: str | None
    active: str | None
    releases: dict[str, str]
    retried: dict[str, int]


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


@dataclass(frozen=True)
class Message:
    """A message as the inbox received it; `received` is in seconds since the epoch."""

    id: int
    received: float
    state: str
    title: str
    footer: str


def pools(settings: Settings) -> Pools:
    """Ask the exporter which pool is desired and which is active."""
    values: dict[tuple[str, str], float] = {}
    releases = {}
    retried = {}
    answer = _get(settings.url("exporter") + "/metrics")
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            pool = sample.labels.get("pool", "")
            if family.name in ("nginxlog_active_pool", "nginxlog_desired_pool"):
                values[family.name, pool] = sample.value
            elif family.name == "nginxlog_pool_release_info" and sample.value == 1:
                releases[pool] = sample.labels["release"]
            elif sample.name == "nginxlog_http_retried_requests_total":
                retried[sample.labels["outcome"]] = int(sample.value)

    def one(name: str) -> str | None:
        return next((pool for pool in POOLS if values.get((name, pool)) == 1), None)

    return Pools(
        desired=one("nginxlog_desired_pool"),
        active=one("nginxlog_active_pool"),
        releases=releases,
        retried=retried,
    )


def query(settings: Settings, expression: str) -> list[dict[str, Any]]:
    """Evaluate PromQL now. Returns Prometheus' result list; a scalar becomes a list of one.

    Raises requests.HTTPError with Prometheus' own words when the expression is wrong.
    """
    answer = requests.post(
        settings.url("prometheus") + "/api/v1/query",
        data={"query": expression},
        timeout=LIMIT_SECONDS,
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


def value(settings: Settings, expression: str) -> float | None:
    """Evaluate PromQL that yields one number; None where it yields nothing."""
    result = query(settings, expression)
    return float(result[0]["value"][1]) if result else None


def alerts(settings: Settings) -> list[Alert]:
    """Return the alerts that are pending or firing, but not the Watchdog."""
    found = _get(settings.url("prometheus") + "/api/v1/alerts").json()["data"]["alerts"]
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


def messages(settings: Settings, *, since: int = 0) -> list[Message]:
    """Return the messages that the local inbox received after the one with id `since`."""
    found = _get(f"{settings.url('inbox')}/api/messages", since=since).json()["messages"]
    return [
        Message(
            id=message["id"],
            received=message["received"],
            state=message["state"],
            title=_attachment(message).get("title", ""),
            footer=_attachment(message).get("footer", ""),
        )
        for message in found
    ]


def scraped(settings: Settings, part: str, metric: str) -> float | None:
    """Return an unlabelled metric straight from a part's own /metrics; None where it has none."""
    for family in text_string_to_metric_families(_get(f"{settings.url(part)}/metrics").text):
        for sample in family.samples:
            if sample.name == metric:
                return float(sample.value)
    return None


def is_healthy(url: str, *, seconds: float = 2) -> bool:
    """Whether a part answers its health check with 2xx."""
    try:
        return requests.get(url, timeout=seconds, allow_redirects=False).ok
    except requests.RequestException:
        return False


# Private


def _get(url: str, **parameters: object) -> requests.Response:
    answer = requests.get(url, params=parameters, timeout=LIMIT_SECONDS)  # type: ignore[arg-type]
    answer.raise_for_status()
    return answer


def _attachment(message: dict[str, Any]) -> dict[str, Any]:
    return next(iter(message["payload"].get("attachments") or []), {})
