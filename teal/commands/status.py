"""Show the pools, the health of every part, errors, and what fires.

Exits with 1 if anything needs attention.
"""

import argparse
import json
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import requests

from teal import api, silences, table
from teal.choose import choose
from teal.rollout.journal import Journal
from teal.rollout.proof import is_up
from teal.settings import POOLS, Settings
from teal.stack.components import Part, parts
from teal.stack.runtime import Runtime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make status` takes."""
    parser.add_argument("--json", action="store_true", help="for programs instead of people")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show the state of the stack."""
    runtime = choose(settings)
    state = collect(settings, runtime)
    print(json.dumps(state, indent=2) if arguments.json else _text(state))
    return 0 if state["ok"] else 1


def collect(settings: Settings, runtime: Runtime) -> dict[str, Any]:
    """Return everything `make status` knows, as plain data; what cannot be had is None.

    `unknown` names what was asked for and not answered; `ok` is true only where nothing is.
    """
    started = runtime.running()

    def is_well(part: Part) -> bool:
        # A pool is what nginx can reach, which is not what this machine reaches.
        if part.name in POOLS:
            return is_up(runtime.fleet, part.name, settings.health_path)
        return api.is_healthy(part.health)

    health = {
        part.name: is_well(part) if part.name in started else None
        for part in parts(settings)
        if part.name in started or not part.optional
    }
    interrupted = Journal(runtime.layout).home()
    asked = _Asked(health)
    seen = asked.of("exporter", "pools", lambda: api.pools(settings))
    firing = asked.of("prometheus", "alerts", lambda: api.alerts(settings))
    ratio = asked.of("prometheus", "errors", lambda: _number(settings, _ERROR_RATIO))
    limit = asked.of("prometheus", "limit of errors", lambda: _number(settings, _ERROR_LIMIT))
    quiet = asked.of("alertmanager", "silences", lambda: silences.in_force(settings))
    if limit is not None and math.isnan(limit):
        asked.unknown.append("limit of errors")
    # NaN: no requests, or no limit; neither is a comparison that says "too many".
    failing = ratio is not None and limit is not None and ratio > limit
    return {
        "ok": bool(started)
        and all(health.values())
        and not asked.unknown
        and not failing
        and interrupted is None
        and not any(alert.needs_attention for alert in firing or []),
        "stack": settings.stack,
        "runtime": runtime.name if started else None,
        "unknown": asked.unknown,
        "desired_pool": seen.desired if seen else None,
        "active_pool": seen.active if seen else None,
        "releases": {
            pool: (seen.releases.get(pool) if seen else None)
            or getattr(settings, f"{pool}_release")
            for pool in POOLS
        },
        "images": {pool: runtime.fleet.image(pool) for pool in POOLS if pool in started},
        # The pool that an interrupted command moved traffic away from, and did not come back to.
        "interrupted": interrupted,
        "parts": {
            name: "healthy" if well else "not running" if well is None else "unhealthy"
            for name, well in health.items()
        },
        "error_ratio_2m": None if ratio is None or math.isnan(ratio) else ratio,
        "too_many_errors": failing,
        "requests_saved_by_retries": seen.retried.get("saved", 0) if seen else None,
        "messages_to": "slack" if settings.uses_real_slack else "inbox",
        "has_heartbeat": bool(settings.heartbeat_url),
        "silences": None
        if quiet is None
        else [
            {
                "what": s.what,
                "by": s.by,
                "why": s.why,
                "until": s.until.isoformat(timespec="seconds"),
                "is_maintenance": s.is_maintenance,
            }
            for s in quiet
        ],
        "alerts": None
        if firing is None
        else [
            {
                "name": a.name,
                "state": a.state,
                "needs_attention": a.needs_attention,
                "since": a.active_at,
                "summary": a.summary,
            }
            for a in firing
        ],
    }


# Private

_ERROR_RATIO = "stack:nginxlog_http_responses_5xx:ratio_increase2m"
_ERROR_LIMIT = "limit:error_ratio"
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


def _number(settings: Settings, expression: str) -> float:
    """Return what Prometheus says; NaN where it has nothing to say, as without any request."""
    found = api.value(settings, expression)
    return math.nan if found is None else found


_WHERE = {"slack": "Slack", "inbox": "the local inbox, not to Slack"}


def _interrupted(home: str | None) -> list[str]:
    if home is None:
        return []
    return [f"INTERRUPTED      a command moved traffic away from {home}; make up goes on with it"]


def _silence(silence: dict[str, Any]) -> str:
    name = "MAINTENANCE" if silence["is_maintenance"] else "silent"
    what = "" if silence["is_maintenance"] else f"{silence['what']} "
    until = silence["until"][:16].replace("T", " ")
    return f"{name:16} {what}until {until} UTC, by {silence['by']}: {silence['why']}"


def _text(state: dict[str, Any]) -> str:
    if state["runtime"] is None:
        return "Nothing runs. Start it with: make up"
    unknown = set(state["unknown"])
    active = (
        "unknown" if "pools" in unknown else state["active_pool"] or "none (no requests so far)"
    )
    off_plan = state["active_pool"] not in (None, state["desired_pool"])
    ratio = state["error_ratio_2m"]
    errors = "no requests" if ratio is None else f"{ratio:.2%}"
    saved = state["requests_saved_by_retries"]
    lines = [
        f"desired pool     {state['desired_pool'] or 'unknown'}",
        f"active pool      {active}{'   <- not the desired one' if off_plan else ''}",
        "releases         "
        + ", ".join(f"{p} {r}" for p, r in state["releases"].items())
        + (" (as set; what runs is unknown)" if "pools" in unknown else ""),
        *(f"{f'image of {p}':16} {image}" for p, image in state["images"].items() if image),
        *_interrupted(state["interrupted"]),
        f"errors (5xx)     {_said('errors', unknown, f'{errors} in the last 2 minutes')}",
        f"saved by retries {_said('pools', unknown, f'{saved} requests')}",
        f"messages go to   {_WHERE[state['messages_to']]}",
        f"dead man's switch {'on' if state['has_heartbeat'] else 'none (HEARTBEAT_URL in .env)'}",
        *(["silences         unknown"] if "silences" in unknown else []),
        *(_silence(each) for each in state["silences"] or []),
        "",
        table.render(["part", "state"], list(state["parts"].items())),
        "",
    ]
    if state["alerts"] is None:
        lines.append("Alerts: unknown, Prometheus does not answer.")
    elif not state["alerts"]:
        lines.append("No alert is firing.")
    else:
        rows = [
            [a["name"], a["state"], a["since"][:19] + "Z", a["summary"]] for a in state["alerts"]
        ]
        lines.append(table.render(["alert", "state", "since", "what"], rows))
    lines.append(_verdict(state))
    return "\n".join(lines)


def _said(what: str, unknown: set[str], known: str) -> str:
    return "unknown" if what in unknown else known


def _verdict(state: dict[str, Any]) -> str:
    if state["ok"]:
        return "All is well."
    reasons = []
    if state["too_many_errors"]:
        reasons.append(f"{state['error_ratio_2m']:.2%} of the last requests failed")
    if state["unknown"]:
        reasons.append(f"unknown: {', '.join(state['unknown'])}")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"Something needs attention{why}: see docs/runbook.md."
