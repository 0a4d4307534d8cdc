"""The parts of the stack: what each is for, where it says that it is well, and what a person opens.

The names are those of the compose services, of the supervised processes and of the Prometheus jobs.
"""

from dataclasses import dataclass

from teal.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part as it is seen from this machine, whichever way it runs."""

    name: str
    does: str
    setting: str  # the setting that holds its port
    port: int
    health: str
    link: str
    # A stack without it works all the same.
    optional: bool = False


def parts(settings: Settings) -> list[Part]:
    """Return the parts in the order of the path, from the client's request to the message."""
    front = settings.front
    pools = [
        Part(
            name=pool,
            does=f"the {pool} pool, release {getattr(settings, pool + '_release')}",
            setting=f"{pool.upper()}_PORT",
            port=settings.port_of(pool),
            health=f"http://127.0.0.1:{settings.port_of(pool)}{settings.health_path}",
            link=f"http://127.0.0.1:{settings.port_of(pool)}/",
        )
        for pool in ("blue", "green")
    ]
    nginx = Part(
        name="nginx",
        does="the front door",
        setting="HTTP_PORT",
        port=settings.http_port,
        health=f"{front}/healthz",
        link=f"{front}/",
    )
    gateway = Part(
        name="gateway",
        does="the way in to all below, for this machine",
        setting="STATUS_PORT",
        port=settings.status_port,
        health=settings.url("status") + "/healthz",
        link=settings.url("status") + "/stub_status",
    )
    return [
        nginx,
        gateway,
        *pools,
        _part(settings, "exporter", "log lines to metrics", health="/-/ready", link="/metrics"),
        _part(settings, "blackbox", "probes both pools", health="/-/healthy", link="/"),
        _part(settings, "prometheus", "rules", health="/-/ready", link="/"),
        _part(settings, "alertmanager", "routes alerts", health="/-/ready", link="/"),
        _part(settings, "inbox", "Slack's local stand-in", health="/healthz", link="/"),
        _part(settings, "grafana", "dashboards", health="/api/health", link="/", optional=True),
    ]


def part_at(settings: Settings, port: int, holder: str) -> str:
    """Return which part a port is for, if what listens there does so for it; else the holder.

    The gateway holds the ports of what is behind it; nginx, or the part itself, did in a stack of
    an older version.
    """
    for part in parts(settings):
        if part.port == port and holder in (part.name, "gateway", "nginx") and part.name != "nginx":
            return part.name
    return holder


# Private


def _part(
    settings: Settings, name: str, does: str, *, health: str, link: str, optional: bool = False
) -> Part:
    return Part(
        name=name,
        does=does,
        setting=f"{name.upper()}_PORT",
        port=getattr(settings, f"{name}_port"),
        health=settings.url(name) + health,
        link=settings.url(name) + link,
        optional=optional,
    )
