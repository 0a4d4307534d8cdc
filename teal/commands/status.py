"""Show the pools, the health of every part, errors, and what fires.

Exits with 1 if anything needs attention.
"""

import argparse
import json
import math
from typing import Any

import requests

from teal import api, silences, table
from teal.parts import Part, parts
from teal.rollout.journal import Journal
from teal.rollout.proof import is_up
from teal.runtime import Runtime, choose
from teal.settings import POOLS, Settings


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
    """Return everything `make status` knows, as plain data; what cannot be had is None."""
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
    seen = _or_none(lambda: api.pools(settings)) if health.get("exporter") else None
    rules_work = health.get("prometheus")
    firing = _or_none(lambda: api.alerts(settings)) if rules_work else None
    ratio = (
        _or_none(lambda: api.value(settings, "stack:nginxlog_http_responses_5xx:ratio_increase2m"))
        if rules_work
        else None
    )
    quiet = _or_none(lambda: silences.in_force(settings)) if health.get("alertmanager") else None
    return {
        "ok": bool(started)
        and all(health.values())
        and seen is not None
        and interrupted is None
        and not any(alert.needs_attention for alert in firing or []),
        "stack": settings.stack,
        "runtime": runtime.name if started else None,
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


def _or_none(ask: Any) -> Any:  # noqa: ANN401 - whatever the question returns
    # A part that does not answer is an answer: `make status` is read when things are broken.
    try:
        return ask()
    except requests.RequestException:
        return None


def _text(state: dict[str, Any]) -> str:
    if state["runtime"] is None:
        return "Nothing runs. Start it with: make up"
    active = state["active_pool"] or "none yet (no requests so far)"
    off_plan = state["active_pool"] not in (None, state["desired_pool"])
    ratio = state["error_ratio_2m"]
    errors = "no requests" if ratio is None else f"{ratio:.2%}"
    lines = [
        f"desired pool     {state['desired_pool'] or 'unknown'}",
        f"active pool      {active}{'   <- not the desired one' if off_plan else ''}",
        "releases         " + ", ".join(f"{p} {r}" for p, r in state["releases"].items()),
        *(f"{f'image of {p}':16} {image}" for p, image in state["images"].items() if image),
        *_interrupted(state["interrupted"]),
        f"errors (5xx)     {errors} in the last 2 minutes",
        f"saved by retries {state['requests_saved_by_retries']} requests",
        f"messages go to   {_WHERE[state['messages_to']]}",
        f"dead man's switch {'on' if state['has_heartbeat'] else 'none (HEARTBEAT_URL in .env)'}",
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
    lines.append(
        "All is well." if state["ok"] else "Something needs attention: see docs/runbook.md."
    )
    return "\n".join(lines)
