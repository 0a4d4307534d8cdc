"""Start the stack, wait until every part is ready, and say what runs where.

Harmless when it runs already: only what the settings changed is restarted.
"""

import argparse
import socket

from teal import api, table
from teal.parts import Part, parts
from teal.runtime import Runtime, RuntimeFailedError, choose, remember
from teal.settings import Settings
from teal.wait import WaitedTooLongError, wait_for

READY_LIMIT_SECONDS = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`make up` has no arguments."""


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Start the stack."""
    runtime = choose(settings)
    print(f"Starting {settings.stack} ({_WAYS[runtime.name]}) ...", flush=True)
    refuse_taken_ports(settings, runtime)
    remember(settings, runtime)
    runtime.start()
    wait_until_ready(settings, runtime)
    _show(settings, runtime)
    return 0


def refuse_taken_ports(settings: Settings, runtime: Runtime) -> None:
    """Say which port another program holds, before anything is started.

    Raises RuntimeFailedError.
    """
    ours = runtime.running()
    for part in parts(settings):
        # The gateway holds the ports of what is behind it; nginx that of the gateway, in a stack of
        # an older version.
        holder = "nginx" if part.name in ("nginx", "gateway") else "gateway"
        is_ours = part.name in ours or holder in ours
        if not is_ours and _is_taken(part.port):
            raise RuntimeFailedError(
                f"port {part.port} ({part.name}) is taken by another program; set {part.setting} "
                "in .env to a free one"
            )


def wait_until_ready(settings: Settings, runtime: Runtime) -> None:
    """Wait for the health check of every part that was started. Raises WaitedTooLongError."""
    started = runtime.running()
    for part in parts(settings):
        if part.name in started:
            try:
                wait_for(
                    lambda part=part: api.is_healthy(part.health),  # type: ignore[misc]
                    what=f"{part.name} to answer at {part.health}",
                    seconds=READY_LIMIT_SECONDS,
                )
            except WaitedTooLongError as error:
                said = list(runtime.output(part.name, follow=False, lines=5))
                raise WaitedTooLongError("\n  ".join([f"{error}; it last said:", *said])) from error
    # Prometheus is ready before it has seen anything; commands that follow ask it.
    wait_for(
        lambda: api.value(settings, 'sum(up{job="exporter"})') == 1,
        what="Prometheus to scrape the exporter",
        seconds=READY_LIMIT_SECONDS,
    )


# Private

_WAYS = {"docker": "Docker Compose", "local": "plain processes"}


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            # A port below 1024: who starts the part will be told by the system.
            return False
        except OSError:
            return True
    return False


def _show(settings: Settings, runtime: Runtime) -> None:
    started = runtime.running()

    def row(part: Part) -> list[str]:
        note = "messages go to real Slack" if _is_idle_inbox(part, settings) else part.does
        return [part.name, note, part.link]

    rows = [row(part) for part in parts(settings) if part.name in started]
    print(table.render(["part", "what it is", "open"], rows))
    if "grafana" not in started and settings.grafana == "on":
        print("Grafana does not run: dashboards need a `grafana` program here, or Docker.")
    print("Ready. Next: make chaos, make status, make logs")


def _is_idle_inbox(part: Part, settings: Settings) -> bool:
    return part.name == "inbox" and settings.uses_real_slack
