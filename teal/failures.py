"""What is left of a pool's container that did not become healthy, gathered for `teal.hints`."""

import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from teal import engine, images
from teal.hints import Failure
from teal.runtime import RuntimeFailedError
from teal.wait import WaitedTooLongError, wait_for

WORDS = 20
# A container in a restart loop runs for moments, in which it has no exit code.
SETTLE_SECONDS = 3
# It can join any container's network and has curl and cat. That of compose.yml: it is there.
LOOKER = "nginx:1.30.6"
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


def gather(pool: str, container: str, *, address: str, health_path: str) -> Failure:
    """Return what is left of a container.

    `address` is where nginx expects it, as `address:port`. Raises RuntimeFailedError if there is no
    such container.
    """
    found = _settled(container)
    state = found["State"]
    image = images.inspect(found["Image"])
    restarts = found["RestartCount"] > 0
    view = View()
    if state["Running"] and not restarts:
        view = look_inside(container, f"http://{address}{health_path}")
    return Failure(
        pool=pool,
        state="restarting" if restarts else state["Status"],
        exit_code=state["ExitCode"],
        oom_killed=state["OOMKilled"],
        last_words=[*last_words(container), *filter(None, [state["Error"]])],
        image_user=image.user if image else "",
        exposed_ports=image.ports if image else (),
        health_error="" if view.is_well else view.health,
        listens=view.listens,
        port=int(address.rpartition(":")[2]),
    )


def last_words(container: str, *, lines: int = WORDS) -> list[str]:
    """Return the last lines that a container printed, on either output."""
    said = engine.ask("logs", "--tail", str(lines), container, errors=True)
    return [line.strip() for line in said.splitlines() if line.strip()]


def look_inside(container: str, health: str) -> View:
    """Ask a running container's health check from inside its network, and see where it listens.

    Its image may have no program for that: a container of another image joins its network.
    """
    ask = "curl --silent --output /dev/null --max-time 3 --write-out '%{exitcode} %{http_code}\\n'"
    try:
        said = engine.ask(
            "run", "--rm", "--pull", "never", "--network", f"container:{container}",
            "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
            "--user", str(engine.UNPRIVILEGED), "--entrypoint", "sh", LOOKER,
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


# Private


def _settled(container: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(engine.ask("inspect", container))[0]
        return found

    def ended() -> dict[str, Any] | None:
        found = look()
        return None if found["State"]["Running"] else found

    found = look()
    if not found["RestartCount"]:
        return found
    try:
        return wait_for(ended, what="the container to end", seconds=SETTLE_SECONDS) or found
    except WaitedTooLongError:
        return found
