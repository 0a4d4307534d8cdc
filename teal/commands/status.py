"""Show the pools, the health of every part, errors, and what fires.

Exits with 1 if anything needs attention.
"""

import argparse
import json
from dataclasses import asdict

from teal import table
from teal.choose import choose
from teal.settings import Settings
from teal.status import ShownSilence, Status, collect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make status` takes."""
    parser.add_argument("--json", action="store_true", help="for programs instead of people")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show the state of the stack."""
    status = collect(settings, choose(settings))
    print(json.dumps(asdict(status), indent=2) if arguments.json else text(status))
    return 0 if status.ok else 1


def text(status: Status) -> str:
    """Return the status as a person reads it."""
    if status.runtime is None:
        return "Nothing runs. Start it with: make up"
    lines = [
        *_pools(status),
        *_interrupted(status.interrupted),
        *_numbers(status),
        f"messages go to   {_WHERE[status.messages_to]}",
        f"dead man's switch {'on' if status.has_heartbeat else 'none (HEARTBEAT_URL in .env)'}",
        *(["silences         unknown"] if "silences" in status.unknown else []),
        *(_silence(each) for each in status.silences or []),
        "",
        table.render(["part", "state"], list(status.parts.items())),
        "",
        _alerts(status),
        _verdict(status),
    ]
    return "\n".join(lines)


# Private

_WHERE = {"slack": "Slack", "inbox": "the local inbox, not to Slack"}


def _pools(status: Status) -> list[str]:
    are_unknown = "pools" in status.unknown
    active = "unknown" if are_unknown else status.active_pool or "none (no requests so far)"
    off_plan = status.active_pool not in (None, status.desired_pool)
    return [
        f"desired pool     {status.desired_pool or 'unknown'}",
        f"active pool      {active}{'   <- not the desired one' if off_plan else ''}",
        "releases         "
        + ", ".join(f"{pool} {release}" for pool, release in status.releases.items())
        + (" (as set; what runs is unknown)" if are_unknown else ""),
        *(f"{f'image of {pool}':16} {image}" for pool, image in status.images.items() if image),
    ]


def _interrupted(home: str | None) -> list[str]:
    if home is None:
        return []
    return [f"INTERRUPTED      a command moved traffic away from {home}; make up goes on with it"]


def _numbers(status: Status) -> list[str]:
    ratio = status.error_ratio_2m
    errors = "no requests" if ratio is None else f"{ratio:.2%}"
    saved = status.requests_saved_by_retries
    return [
        f"errors (5xx)     {_said('errors', status, f'{errors} in the last 2 minutes')}",
        f"saved by retries {_said('pools', status, f'{saved} requests')}",
    ]


def _said(what: str, status: Status, known: str) -> str:
    return "unknown" if what in status.unknown else known


def _silence(silence: ShownSilence) -> str:
    name = "MAINTENANCE" if silence.is_maintenance else "silent"
    what = "" if silence.is_maintenance else f"{silence.what} "
    until = silence.until[:16].replace("T", " ")
    return f"{name:16} {what}until {until} UTC, by {silence.by}: {silence.why}"


def _alerts(status: Status) -> str:
    if status.alerts is None:
        return "Alerts: unknown, Prometheus does not answer."
    if not status.alerts:
        return "No alert is firing."
    rows = [[each.name, each.state, each.since[:19] + "Z", each.summary] for each in status.alerts]
    return table.render(["alert", "state", "since", "what"], rows)


def _verdict(status: Status) -> str:
    if status.ok:
        return "All is well."
    reasons = []
    if status.too_many_errors:
        reasons.append(f"{status.error_ratio_2m:.2%} of the last requests failed")
    if status.unknown:
        reasons.append(f"unknown: {', '.join(status.unknown)}")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"Something needs attention{why}: see docs/runbook.md."
