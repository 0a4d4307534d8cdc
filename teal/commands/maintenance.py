"""Begin, change or end a planned maintenance: what it may set off is silent, with a reason.

It ends by itself. That the stack is watched at all is never silent: alerts about the exporter, the
host and the monitoring itself are still told.
"""

import argparse
import time
from datetime import UTC, datetime

import requests

from teal.arguments import duration, reason
from teal.clients import Clients
from teal.clients.alertmanager import PostedAlert, Silence
from teal.clients.prometheus import Prometheus
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack import silences

LONGEST = duration("7d")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make maintenance` takes."""
    parser.add_argument("--for", dest="duration", type=duration, help="30m, 2h or 1d; at most 7d")
    parser.add_argument("--why", type=reason, help="the reason, for your colleagues")
    parser.add_argument("--end", action="store_true", help="end it now")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Begin or end it."""
    clients = Clients(settings.url)
    in_force = clients.alertmanager.silences()
    running = next((s for s in in_force if silences.is_maintenance(s, settings.stack)), None)
    if arguments.end:
        return _end(clients, settings.stack, running)
    if arguments.duration is None or arguments.why is None:
        missing = "FOR=30m" if arguments.duration is None else "WHY='new disk'"
        raise RuntimeFailedError(
            f"{missing} is missing; as in: make maintenance FOR=30m WHY='new disk'"
        )
    if arguments.duration > LONGEST:
        raise RuntimeFailedError("a maintenance may be planned for 7d at most")
    return _begin(clients, settings.stack, running, arguments)


# Private


def _begin(
    clients: Clients, stack: str, running: Silence | None, arguments: argparse.Namespace
) -> int:
    until = datetime.now(UTC) + arguments.duration
    clients.alertmanager.silence(
        silences.maintenance(stack),
        until=until,
        why=arguments.why,
        replaces=running.id if running else "",
    )
    print(f"Maintenance {'goes on' if running else 'is on'} until {until:%Y-%m-%d %H:%M} UTC.")
    print(f"Silent: {', '.join(silences.PLANNED)}. The exporter, the host and the monitoring")
    print("itself are still told. To end it: make maintenance END=1")
    if told := _firing(clients.prometheus):
        print(
            f"Told already and firing: {', '.join(sorted(told))}.\nIf that ends meanwhile, end the "
            "maintenance with END=1: then its end is told, and it is told anew\nwhen it comes back."
        )
    return 0


def _end(clients: Clients, stack: str, running: Silence | None) -> int:
    if running is None:
        print("No maintenance is on.")
        return 0
    clients.alertmanager.end_silence(running.id)
    print("Maintenance has ended: everything is told again.")
    _tell_what_ended(clients, stack, running)
    return 0


def _firing(prometheus: Prometheus) -> list[str]:
    try:
        return [
            alert.name
            for alert in prometheus.alerts()
            if alert.state == "firing" and alert.labels.get("category") in silences.PLANNED
        ]
    except requests.RequestException:
        # Silence is what was asked for; this would only have been advice.
        return []


def _tell_what_ended(clients: Clients, stack: str, maintenance: Silence) -> None:
    """Tell Alertmanager once more what ended during the maintenance.

    It drops a resolved alert that is silent, and so takes the alert for one that was told and still
    fires: when it really fires again, nobody would hear of it before `repeat_interval` is over.
    What was not told before is not told by this either.
    """
    seconds = int(time.time() - maintenance.since.timestamp()) + 1
    categories = "|".join(silences.PLANNED)
    active = f'ALERTS_FOR_STATE{{category=~"{categories}"}}'
    found = clients.prometheus.query(f"max_over_time({active}[{seconds}s]) unless {active}")
    now = datetime.now(UTC)
    alerts: list[PostedAlert] = [
        {
            "labels": {**_labels(each["metric"]), "stack": stack},
            "startsAt": datetime.fromtimestamp(float(each["value"][1]), UTC).isoformat(),
            "endsAt": now.isoformat(),
        }
        for each in found
    ]
    if alerts:
        clients.alertmanager.post(alerts)


def _labels(metric: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metric.items() if name != "__name__"}
