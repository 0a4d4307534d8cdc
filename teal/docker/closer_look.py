"""A closer look at a pool that runs and is not well: from inside its own network."""

import dataclasses
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from teal.docker import engine, image_config
from teal.docker.containers import Container
from teal.docker.engine_kind import UNPRIVILEGED
from teal.errors import RuntimeFailedError
from teal.stack.hints import Fallen

DOCKERS_RESOLVER = "127.0.0.11"


@dataclass(frozen=True, kw_only=True)
class View:
    """A pool from inside its own network."""

    # What its health check answers: "HTTP 200", "connection refused"; "" if nobody could ask.
    health: str = ""
    listens: tuple[tuple[str, int], ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether its health check answers 2xx."""
        return self.health.startswith("HTTP 2")


def examine(
    fallen: Fallen, found: Container, *, address: str, health_path: str, looker: str
) -> Fallen:
    """Add to how a pool was found what its image says and what it looks like from inside.

    `address` is where nginx expects it, as `address:port`; `looker` see `look_inside`.
    """
    view = View()
    if fallen.runs:
        view = look_inside(found.id, f"http://{address}{health_path}", looker=looker)
    return dataclasses.replace(
        fallen,
        health="" if view.is_well else view.health,
        listens=view.listens,
        port=int(address.rpartition(":")[2]),
        exposed_ports=image_config.read(found.image).ports,
    )


def look_inside(container: str, health: str, *, looker: str) -> View:
    """Ask a running container's health check from inside its network, and see where it listens.

    Its image may have no program for that: a container of another image, `looker`, joins its
    network. That has `sh`, `curl` and `cat`, and is on this machine: nginx's.
    """
    ask = "curl --silent --output /dev/null --max-time 3 --write-out '%{exitcode} %{http_code}\\n'"
    try:
        said = engine.docker(
            "run", "--rm", "--pull", "never", "--network", f"container:{container}",
            "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
            "--user", str(UNPRIVILEGED), "--entrypoint", "sh", looker,
            "-c", f'{ask} "$0"; cat /proc/net/tcp /proc/net/tcp6', health,
        )  # fmt: skip
    except RuntimeFailedError:
        return View()
    return View(health=parse_health(said), listens=tuple(sorted(set(parse_listeners(said)))))


def parse_health(said: str) -> str:
    """Read curl's exit code and the status, in the words of `View`."""
    found = re.match(r"(\d+) (\d+)\n", said)
    if not found:
        return ""
    if found[2] != "000":
        return f"HTTP {found[2]}"
    return {"7": "connection refused", "28": "timed out"}.get(found[1], "hung up")


def parse_listeners(tables: str) -> Iterator[tuple[str, int]]:
    """Read the kernel's tables of TCP sockets: those that listen, but Docker's own resolver."""
    for found in re.finditer(r"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A ", tables, re.MULTILINE):
        # Words of four bytes, each in the order of the machine: little-endian wherever Docker runs.
        raw = bytes.fromhex(found[1])
        address = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        host = str(ipaddress.ip_address(address))
        if host != DOCKERS_RESOLVER:
            yield host, int(found[2], 16)
