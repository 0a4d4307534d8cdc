"""What is known of a running stack: its pools, the health of every part, errors, and what fires."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import requests

from teal.clients import Clients
from teal.clients.alertmanager import Silence
from teal.clients.http import is_healthy
from teal.clients.prometheus import Alert
from teal.rollout.journal import Journal
from teal.rollout.proof import is_up
from teal.settings import POOLS, Settings
from teal.stack.components import Part, parts
from teal.stack.runtime import Runtime
from teal.stack.silences import in_words, is_maintenance

ERROR_RATIO = "stack:nginxlog_http_responses_5xx:ratio_increase2m"
ERROR_LIMIT = "limit:error_ratio"


@dataclass(frozen=True)
class ShownSilence:
    """A silence in force; `until` is an RFC 3339 time."""

    what: str
    by: str
    why: str
    until: str
    is_maintenance: bool


@dataclass(frozen=True)
class ShownAlert:
    """An alert that is pending or firing; `since` is an RFC 3339 time."""

    name: str
    state: str
    needs_attention: bool
    since: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """What was asked of the parts, and what they said. None: not known.

    `unknown` names what was asked for and not answered; `ok` is true only where nothing is. The
    names are those of `make status JSON=1`.
    """

    ok: bool
    stack: str
    runtime: str | None
    unknown: list[str]
    desired_pool: str | None
    active_pool: str | None
    releases: dict[str, str]
    images: dict[str, str]
    # The pool that an interrupted command moved traffic away from, and did not come back to.
    interrupted: str | None
    parts: dict[str, str]
    error_ratio_2m: float | None
    too_many_errors: bool
    requests_saved_by_retries: int | None
    messages_to: str
    has_heartbeat: bool
    silences: list[ShownSilence] | None
    alerts: list[ShownAlert] | None


def collect(settings: Settings, runtime: Runtime) -> Status:
    """Ask every part that runs."""
    clients = Clients(settings.url)
    started = runtime.running()
    health = _health(settings, runtime, started)
    interrupted = Journal(runtime.layout).home()
    asked = _Asked(health)
    seen = asked.of("exporter", "pools", clients.exporter.pools)
    firing = asked.of("prometheus", "alerts", clients.prometheus.alerts)
    ratio = asked.of("prometheus", "errors", lambda: _number(clients, ERROR_RATIO))
    limit = asked.of("prometheus", "limit of errors", lambda: _number(clients, ERROR_LIMIT))
    quiet = asked.of("alertmanager", "silences", clients.alertmanager.silences)
    if limit is not None and math.isnan(limit):
        asked.unknown.append("limit of errors")
    # NaN: no requests, or no limit; neither is a comparison that says "too many".
    failing = ratio is not None and limit is not None and ratio > limit
    return Status(
        ok=bool(started)
        and all(health.values())
        and not asked.unknown
        and not failing
        and interrupted is None
        and not any(alert.needs_attention for alert in firing or []),
        stack=settings.stack,
        runtime=runtime.name if started else None,
        unknown=asked.unknown,
        desired_pool=seen.desired if seen else None,
        active_pool=seen.active if seen else None,
        releases={
            pool: (seen.releases.get(pool) if seen else None)
            or getattr(settings, f"{pool}_release")
            for pool in POOLS
        },
        images={pool: runtime.fleet.image(pool) for pool in POOLS if pool in started},
        interrupted=interrupted,
        parts={
            name: "healthy" if well else "not running" if well is None else "unhealthy"
            for name, well in health.items()
        },
        error_ratio_2m=None if ratio is None or math.isnan(ratio) else ratio,
        too_many_errors=failing,
        requests_saved_by_retries=seen.retried.get("saved", 0) if seen else None,
        messages_to="slack" if settings.uses_real_slack else "inbox",
        has_heartbeat=bool(settings.heartbeat_url),
        silences=None if quiet is None else [_silence(s, settings.stack) for s in quiet],
        alerts=None if firing is None else [_alert(each) for each in firing],
    )


# Private

_T = TypeVar("_T")


class _Asked:
    """Asks the parts that are healthy; remembers what stayed unknown."""

    def __init__(self, health: dict[str, bool | None]) -> None:
        self.unknown: list[str] = []
        self._health = health

    def of(self, part: str, what: str, ask: Callable[[], _T]) -> _T | None:
        # A part that does not answer is an answer: `make status` is read when things are broken.
        if self._health.get(part):
            with suppress(requests.RequestException):
                return ask()
        self.unknown.append(what)
        return None


def _health(
    settings: Settings, runtime: Runtime, started: dict[str, str]
) -> dict[str, bool | None]:
    """Return whether each part is well; None for one that was not started."""

    def is_well(part: Part) -> bool:
        # A pool is what nginx can reach, which is not what this machine reaches.
        if part.name in POOLS:
            return is_up(runtime.fleet, part.name, settings.health_path)
        return is_healthy(part.health)

    return {
        part.name: is_well(part) if part.name in started else None
        for part in parts(settings)
        if part.name in started or not part.optional
    }


def _number(clients: Clients, expression: str) -> float:
    """Return what Prometheus says; NaN where it has nothing to say, as without any request."""
    found = clients.prometheus.value(expression)
    return math.nan if found is None else found


def _silence(silence: Silence, stack: str) -> ShownSilence:
    planned = is_maintenance(silence, stack)
    return ShownSilence(
        what="maintenance" if planned else in_words(silence),
        by=silence.by,
        why=silence.why,
        until=silence.until.isoformat(timespec="seconds"),
        is_maintenance=planned,
    )


def _alert(alert: Alert) -> ShownAlert:
    return ShownAlert(
        name=alert.name,
        state=alert.state,
        needs_attention=alert.needs_attention,
        since=alert.active_at,
        summary=alert.summary,
    )
