"""Begin, change or end a planned maintenance: what it may set off is silent, with a reason.

It ends by itself. That the stack is watched at all is never silent: alerts about the exporter, the
host and the monitoring itself are still told.
"""

import argparse
import time
from datetime import UTC, datetime

import requests

from teal import api, silences
from teal.errors import RuntimeFailedError
from teal.settings import Settings

LONGEST = silences.duration("7d")
LIMIT_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make maintenance` takes."""
    parser.add_argument(
        "--for", dest="duration", type=silences.duration, help="30m, 2h or 1d; at most 7d"
    )
    parser.add_argument("--why", type=silences.reason, help="the reason, for your colleagues")
    parser.add_argument("--end", action="store_true", help="end it now")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Begin or end it."""
    running = next((s for s in silences.in_force(settings) if s.is_maintenance), None)
    if arguments.end:
        return _end(settings, running)
    if arguments.duration is None or arguments.why is None:
        missing = "FOR=30m" if arguments.duration is None else "WHY='new disk'"
        raise RuntimeFailedError(
            f"{missing} is missing; as in: make maintenance FOR=30m WHY='new disk'"
        )
    if arguments.duration > LONGEST:
        raise RuntimeFailedError("a maintenance may be planned for 7d at most")
    return _begin(settings, running, arguments)


# Private


def _begin(
    settings: Settings, running: silences.Silence | None, arguments: argparse.Namespace
) -> int:
    until = datetime.now(UTC) + arguments.duration
    silences.create(
        settings,
        matchers=silences.maintenance(settings.stack),
        until=until,
        why=arguments.why,
        replaces=running.id if running else "",
    )
    print(f"Maintenance {'goes on' if running else 'is on'} until {until:%Y-%m-%d %H:%M} UTC.")
    print(f"Silent: {', '.join(silences.PLANNED)}. The exporter, the host and the monitoring")
    print("itself are still told. To end it: make maintenance END=1")
    if told := _firing(settings):
        print(
            f"Told already and firing: {', '.join(sorted(told))}.\nIf that ends meanwhile, end the "
            "maintenance with END=1: then its end is told, and it is told anew\nwhen it comes back."
        )
    return 0


def _end(settings: Settings, running: silences.Silence | None) -> int:
    if running is None:
        print("No maintenance is on.")
        return 0
    silences.end(settings, running)
    print("Maintenance has ended: everything is told again.")
    _tell_what_ended(settings, running)
    return 0


def _firing(settings: Settings) -> list[str]:
    try:
        return [
            alert.name
            for alert in api.alerts(settings)
            if alert.state == "firing" and alert.labels.get("category") in silences.PLANNED
        ]
    except requests.RequestException:
        # Silence is what was asked for; this would only have been advice.
        return []


def _tell_what_ended(settings: Settings, maintenance: silences.Silence) -> None:
    """Tell Alertmanager once more what ended during the maintenance.

    It drops a resolved alert that is silent, and so takes the alert for one that was told and still
    fires: when it really fires again, nobody would hear of it before `repeat_interval` is over.
    What was not told before is not told by this either.
    """
    seconds = int(time.time() - maintenance.since.timestamp()) + 1
    categories = "|".join(silences.PLANNED)
    active = f'ALERTS_FOR_STATE{{category=~"{categories}"}}'
    found = api.query(settings, f"max_over_time({active}[{seconds}s]) unless {active}")
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {**_labels(each["metric"]), "stack": settings.stack},
            "startsAt": datetime.fromtimestamp(float(each["value"][1]), UTC).isoformat(),
            "endsAt": now.isoformat(),
        }
        for each in found
    ]
    if alerts:
        url = settings.url("alertmanager") + "/api/v2/alerts"
        requests.post(url, json=alerts, timeout=LIMIT_SECONDS).raise_for_status()


def _labels(metric: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metric.items() if name != "__name__"}
