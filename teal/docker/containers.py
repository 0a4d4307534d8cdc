"""The containers of one stack, as the engine sees them. What decides nothing and changes little."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_SERVICE = "com.docker.compose.service"
_HASH = "com.docker.compose.config-hash"
_ONE_OFF = "com.docker.compose.oneoff"
# The engine's words for a container that does its work.
RUNNING = "running"


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container."""

    id: str
    name: str
    service: str
    state: str
    # By its own health check: starting, healthy, unhealthy; empty without one.
    health: str
    # Of the configuration that Compose made it from.
    config_hash: str
    image: str
    exit_code: int
    restarts: int
    was_out_of_memory: bool
    error: str
    # Network name -> the address it has there now; empty while it does not run.
    addresses: Mapping[str, str]
    # What it publishes: address and port on this machine.
    published: tuple[tuple[str, int], ...]

    @property
    def runs(self) -> bool:
        """Whether it is up at all: a loop of restarts is not."""
        return self.state == RUNNING

    def is_at(self, wanted: Mapping[str, str]) -> bool:
        """Whether it has an address in each of these networks: this one, where one is given."""
        return all(
            self.addresses.get(network, "") and address in ("", self.addresses[network])
            for network, address in wanted.items()
        )


Docker = Callable[..., str]


def of(stack: str, docker: Docker) -> dict[str, Container]:
    """Return the container of each service of a stack; the newest where there are several."""
    listed = docker(
        "ps", "--all", "--quiet", "--no-trunc",
        "--filter", f"label=com.docker.compose.project={stack}",
        "--filter", f"label={_ONE_OFF}=False",
    ).split()  # fmt: skip
    if not listed:
        return {}
    found = json.loads(docker("inspect", "--type", "container", *listed))
    found.sort(key=lambda each: str(each["Created"]))
    containers = [_read(each) for each in found]
    return {container.service: container for container in containers}


def last_words(container: Container, docker: Docker, *, lines: int) -> list[str]:
    """Return what a container printed last, whichever way, in the order in which it was said."""
    text = docker("logs", "--timestamps", "--tail", str(lines), container.id, merged=True)
    stamped = sorted(line for line in text.splitlines() if line.strip())
    return [re.sub(r"^\S+ ?", "", line) for line in stamped][-lines:]


# Private


def _read(found: dict[str, Any]) -> Container:
    state = found["State"]
    networks = found["NetworkSettings"]["Networks"] or {}
    bindings = found["HostConfig"]["PortBindings"] or {}
    labels = found["Config"]["Labels"] or {}
    return Container(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        service=labels.get(_SERVICE, ""),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        config_hash=labels.get(_HASH, ""),
        image=found["Image"],
        exit_code=state["ExitCode"],
        restarts=found["RestartCount"],
        was_out_of_memory=bool(state["OOMKilled"]),
        error=_first_cause(state["Error"]),
        addresses={name: net["IPAddress"] for name, net in networks.items()},
        published=tuple(
            (each["HostIp"], int(each["HostPort"]))
            for each_port in bindings.values()
            for each in each_port or []
            if each["HostPort"].isdigit()
        ),
    )


def _first_cause(error: str) -> str:
    """Return the last part of the engine's chain of reasons, which is the one that says it."""
    causes = [part.strip() for part in re.split(r": (?=\D)", error.replace("\n", " ")) if part]
    return ": ".join(causes[-2:])
