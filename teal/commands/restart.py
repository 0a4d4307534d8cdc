"""Restart one part that watches. The front door and the pools are renewed by `make up` instead."""

import argparse

from teal.choose import choose
from teal.clients.http import is_healthy
from teal.errors import RuntimeFailedError
from teal.settings import POOLS, Settings
from teal.stack.components import parts
from teal.wait import wait_for

LIMIT_SECONDS = 90
# Parts that users would miss.
SERVING = ("nginx", *POOLS)
IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make restart` takes."""
    parser.add_argument("part", help="for example: exporter")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Restart it, and wait until it is well."""
    runtime = choose(settings)
    started = runtime.running()
    if not started:
        raise RuntimeFailedError("nothing runs; start it with: make up")
    if arguments.part in SERVING:
        raise RuntimeFailedError(
            f"{arguments.part} serves users; `make up` renews it, and loses no request"
        )
    watching = {p.name: p for p in parts(settings) if p.name in started and p.name not in SERVING}
    part = watching.get(arguments.part)
    if part is None:
        raise RuntimeFailedError(
            f"{arguments.part!r} cannot be restarted; these can: {', '.join(watching)}"
        )
    runtime.restart(part.name)
    wait_for(
        lambda: is_healthy(part.health),
        what=f"{part.name} to answer at {part.health}",
        seconds=LIMIT_SECONDS,
    )
    print(f"{part.name} is restarted, and well.")
    return 0
