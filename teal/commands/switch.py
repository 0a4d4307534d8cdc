"""Make the other pool the desired one: planned, proved, no request lost, no alert raised.

The new pool is asked on its own port first, then declared, then proved at the front door. Where
that fails, and on Ctrl-C, the pool of before is the desired one again.
"""

import argparse

from teal.choose import choose
from teal.errors import RuntimeFailedError
from teal.rollout import terms
from teal.rollout.journal import Journal
from teal.rollout.proof import Front, UnprovenError, is_up, on_its_own_port
from teal.rollout.switch import switch
from teal.settings import POOLS, Settings

IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make switch` takes."""
    parser.add_argument("pool", choices=POOLS, help="the pool that shall serve")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Switch."""
    pool: str = arguments.pool
    runtime = choose(settings)
    if "nginx" not in runtime.running():
        raise RuntimeFailedError("nothing runs; start it with: make up")
    front = Front(settings, runtime.layout, runtime.fleet)
    before = front.desired()
    journal = Journal(runtime.layout)
    if before == pool:
        # Said by the operator now, whatever an interrupted command had in mind.
        journal.arrive()
        print(f"{pool} is the desired pool already.")
        return 0
    if not is_up(runtime.fleet, pool, settings.health_path):
        raise RuntimeFailedError(
            f"not switched: {pool} does not answer {settings.health_path} with 2xx "
            f"(at {runtime.fleet.address(pool)}, asked the way nginx asks)"
        )
    print(f"Switching to {pool} ...", flush=True)
    try:
        on_its_own_port(runtime.fleet, pool)
        switch(front, pool, seconds=terms.of(settings).front_seconds)
    except UnprovenError as error:
        raise RuntimeFailedError(f"not switched: {error}; {before} serves as before") from error
    except KeyboardInterrupt:
        print(f"\nInterrupted: not switched, {before} serves as before.")
        raise
    journal.arrive()
    print(f"{pool} answers at {settings.front}. Back: make switch POOL={before}")
    return 0
