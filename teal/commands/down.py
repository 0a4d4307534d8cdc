"""Stop the stack gracefully. Logs, metrics and messages stay; `make clean` removes them."""

import argparse

from teal.choose import choose, forget
from teal.settings import Settings

IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`make down` has no arguments."""


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Stop the stack."""
    runtime = choose(settings)
    if not runtime.running():
        print("Nothing runs.")
    else:
        print("Stopping ...", flush=True)
        runtime.stop()
        print("Stopped. `make up` goes on where it was; `make clean` removes everything.")
    forget(settings)
    return 0
