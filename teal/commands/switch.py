"""Make the other pool the desired one: planned, proved, no request lost, no alert raised.

Returns when the front door answers from the new pool.
"""

import argparse

import requests

from teal import api
from teal.desired import declare, desired
from teal.parts import parts
from teal.runtime import RuntimeFailedError, choose
from teal.settings import POOLS, Settings
from teal.wait import wait_for

PROOF_LIMIT_SECONDS = 10
PROOF_ANSWERS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make switch` takes."""
    parser.add_argument("pool", choices=POOLS, help="the pool that shall serve")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Switch."""
    pool: str = arguments.pool
    runtime = choose(settings)
    if "nginx" not in runtime.running():
        raise RuntimeFailedError("nothing runs; start it with: make up")
    if desired(runtime.layout) == pool:
        print(f"{pool} is the desired pool already.")
        return 0
    health = next(part.health for part in parts(settings) if part.name == pool)
    if not api.is_healthy(health):
        raise RuntimeFailedError(f"not switched: {pool} does not answer {health} with 2xx")
    print(f"Switching to {pool} ...", flush=True)
    declare(runtime.layout, pool)
    # `none`: an application that sends no header; then the exporter's view is the proof.
    wait_for(
        lambda: _answers_from(settings, pool),
        what=f"{PROOF_ANSWERS} answers in a row from {pool} at {settings.front}",
        seconds=PROOF_LIMIT_SECONDS,
    )
    print(f"{pool} answers at {settings.front}. Back: make switch POOL={_other(pool)}")
    return 0


# Private


def _other(pool: str) -> str:
    return next(other for other in POOLS if other != pool)


def _answers_from(settings: Settings, pool: str) -> bool:
    def who() -> str | None:
        return requests.get(f"{settings.front}/", timeout=5).headers.get("X-App-Pool")

    answers = {who() for _ in range(PROOF_ANSWERS)}
    if answers == {None}:
        return api.pools(settings).active == pool
    return answers == {pool}
