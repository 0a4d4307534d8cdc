"""nginx and the gateway as plain processes: where they find themselves, and how they are run."""

import os
from collections.abc import Mapping
from pathlib import Path

from teal.settings import POOLS, Settings
from teal.stack import listening, nginx, servers
from teal.stack.gateway import BEHIND, Place
from teal.stack.layout import BEHIND_GATEWAY, Layout


def pool_addresses(settings: Settings) -> dict[str, str]:
    """Return the address and port of each pool."""
    return {pool: f"127.0.0.1:{settings.port_of(pool)}" for pool in POOLS}


def front_addresses(http_addr: str) -> list[str]:
    """Return where the front door listens; an IPv6 address stands in brackets."""
    if http_addr not in ("", "[::]"):
        return [http_addr]
    # A kernel without IPv6 has no address to listen at.
    return ["0.0.0.0", *(["[::]"] if listening.has_ipv6() else [])]  # noqa: S104 - the setting


def nginx_surroundings(
    settings: Settings, layout: Layout, *, pools: Mapping[str, str]
) -> nginx.Surroundings:
    """Return where nginx finds itself as a plain process. `pools` is where each pool is now."""
    return nginx.Surroundings(
        run=str(layout.nginx),
        log=str(layout.log),
        state=str(layout.state),
        spool=str(layout.spool),
        pools=pools,
        http_listen=[f"{a}:{settings.http_port}" for a in front_addresses(settings.http_addr)],
        private=BEHIND_GATEWAY,
        inside="127.0.0.0/8",
        version=servers.version(Path(servers.needed("nginx"))),
        user=_user_directive(),
    )


def gateway_place(settings: Settings, layout: Layout, *, has_grafana: bool) -> Place:
    """Return where the gateway stands: on the ports of 127.0.0.1, before the same of 127.0.0.2."""
    behind = [part for part in BEHIND if part != "grafana" or has_grafana]
    return Place(
        listen="127.0.0.1",
        run=str(layout.gateway),
        this_machine=("127.0.0.0/8",),
        parts={part: f"{BEHIND_GATEWAY}:{getattr(settings, f'{part}_port')}" for part in behind},
        user=_user_directive(),
    )


def gateway_command(layout: Layout) -> list[str]:
    """Return the command line that runs the gateway."""
    folder = layout.gateway
    return [
        servers.needed("nginx"),
        "-e",
        "stderr",
        "-p",
        str(folder),
        "-c",
        f"{folder}/nginx.conf",
    ]


def nginx_command(layout: Layout, configuration: Path | None = None) -> list[str]:
    """Return the command line that runs nginx with the current configuration, or with another."""
    path = (configuration or layout.nginx / "current") / "nginx.conf"
    return [servers.needed("nginx"), "-e", "stderr", "-p", str(layout.nginx), "-c", str(path)]


# Private


def _user_directive() -> str:
    # Started by root, nginx would give its workers to a user who may not enter this folder and
    # would never see the flag file. A normal user needs no such line.
    return "user root;" if os.getuid() == 0 else ""
