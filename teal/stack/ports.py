"""Ports: what a stack listens at, and whether someone else does."""

import errno
import socket
from collections.abc import Sequence

from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack.runtime import Runtime


def taken_by_others(settings: Settings, runtime: Runtime) -> dict[str, str]:
    """Return the optional parts whose port is taken, each with the line that says so.

    Raises RuntimeFailedError that names the port, the part and the setting where the stack cannot
    do without.
    """
    names = settings.port_names()
    without = {}
    for wanted in runtime.listeners():
        if not is_ours(wanted.address):
            raise RuntimeFailedError(
                f"HTTP_ADDR: this machine has no address {wanted.address}; `ip address` shows "
                "which it has, and an empty HTTP_ADDR means all of them"
            )
        holder = runtime.holder(wanted.port)
        if holder == wanted.part or not is_taken(wanted.address, wanted.port):
            continue
        by = f"{holder} of this stack (`make down` first)" if holder else "another program"
        line = taken(wanted.port, names.get(wanted.port), part=wanted.part, by=by)
        if not wanted.is_optional:
            raise RuntimeFailedError(line)
        without[wanted.part] = line
    return without


def is_taken(address: str, port: int) -> bool:
    """Whether nobody may listen at this port of an address now, because someone does."""
    return any(_is_taken(*each) for each in _places(address.strip("[]"), port))


def is_ours(address: str) -> bool:
    """Whether this machine has an address, or may listen at it all the same."""
    for family, place, _ in _places(address.strip("[]"), 0):
        with socket.socket(family) as probe:
            try:
                probe.bind((place, 0))
            except OSError as error:
                return error.errno != errno.EADDRNOTAVAIL
    return True


def taken(port: int, setting: str | None, *, part: str = "", by: str = "another program") -> str:
    """Return the line about a port that someone else holds."""
    whose = f" ({part})" if part else ""
    where = f"set {setting} in .env" if setting else "change it"
    return f"port {port}{whose} is taken by {by}; {where} to a free one"


# Private


def _places(address: str, port: int) -> Sequence[tuple[int, str, int]]:
    if not address:
        return [(socket.AF_INET, "0.0.0.0", port)]  # noqa: S104 - tried, not kept
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return [(family, address, port)]


def _is_taken(family: int, address: str, port: int) -> bool:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            # Others: a port below 1024, an address that is not ours. Who starts the part is told.
            return error.errno == errno.EADDRINUSE
    return False
