"""Injecting a fault into one pool, and taking it back whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from teal.drills.modes import Mode
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack.runtime import Runtime

# The application ends its fault by itself, should this program die before it can.
LONGEST_FAULT_SECONDS = 90
LIMIT_SECONDS = 10


@contextmanager
def injected(mode: Mode, pool: str, settings: Settings, runtime: Runtime) -> Iterator[None]:
    """Break the pool inside the `with` block; it is mended on the way out, also on Ctrl-C."""
    if mode.chaos is None:
        try:
            runtime.kill(pool)
            yield
        finally:
            runtime.revive(pool)
        return
    address = f"http://127.0.0.1:{settings.port_of(pool)}/chaos"
    try:
        _start(address, mode.chaos, pool)
        yield
    finally:
        _stop(address)


# Private

# What servers say to a POST that they have no use for.
_NO_SUCH_THING = (
    requests.codes.not_found,
    requests.codes.method_not_allowed,
    requests.codes.not_implemented,
)


def _start(address: str, chaos: dict[str, str], pool: str) -> None:
    parameters = {**chaos, "rate": "1", "seconds": str(LONGEST_FAULT_SECONDS)}
    answer = requests.post(f"{address}/start", params=parameters, timeout=LIMIT_SECONDS)
    if answer.status_code in _NO_SUCH_THING:
        raise RuntimeFailedError(
            f"the application in {pool} has no /chaos endpoints; MODE=crash works with any"
        )
    answer.raise_for_status()


def _stop(address: str) -> None:
    answer = requests.post(f"{address}/stop", timeout=LIMIT_SECONDS)
    # Where a fault could not begin, there is none to end.
    if answer.status_code not in _NO_SUCH_THING:
        answer.raise_for_status()
