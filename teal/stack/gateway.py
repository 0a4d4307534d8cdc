"""The gateway's configuration: where it listens, who is this machine, and which names it answers.

What it does is said in nginx/gateway/; this fills it in, for both ways to run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from teal.bootstrap import ROOT
from teal.settings import POOLS, Settings
from teal.stack import password
from teal.stack.layout import Layout
from teal.stack.templates import fill_in

# What it stands in front of, in both ways to run; each is the name of a port setting.
BEHIND = ("status", "exporter", "blackbox", "prometheus", "alertmanager", "inbox", "grafana")
# Part -> the setting that says where people on other machines reach it: through a proxy of the
# operator's, which may pass on its own name or another.
_PUBLISHED = {
    "prometheus": "prometheus_url",
    "alertmanager": "alertmanager_url",
    "inbox": "runbook_url",
    "grafana": "dashboard_url",
}
# Not the inbox: the runbook may be a page of a code host, where many may write pages.
_WRITES = ("prometheus", "alertmanager", "grafana")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one gateway stands. Addresses without a port, but for `parts`."""

    listen: str
    # A folder that it may write.
    run: str
    # Addresses and networks that are this machine.
    this_machine: tuple[str, ...]
    # Each of BEHIND, and each pool if it stands in front of them -> address and port. Grafana may
    # be missing.
    parts: Mapping[str, str]
    # Part -> a further address that may ask for it, under the name that comes with it.
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    user: str = ""


def render(settings: Settings, layout: Layout, place: Place) -> None:
    """Write the configuration."""
    layout.gateway.mkdir(parents=True, exist_ok=True)
    # It holds the password.
    layout.gateway.chmod(0o700)
    fill_in(ROOT / "nginx" / "gateway", layout.gateway, _values(settings, place, layout))


def names(url: str) -> tuple[str, str] | None:
    """Return the host and the origin of an address, as a browser would say them; None if odd."""
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port
    except ValueError:
        return None
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host):
        return None
    own = {"http": 80, "https": 443}.get(split.scheme)
    return host, f"{split.scheme}://{host}" + (f":{port}" if port not in (None, own) else "")


def published(settings: Settings, part: str) -> tuple[str, str] | None:
    """Return the host and the origin under which others reach a part, if that is set."""
    return names(getattr(settings, _PUBLISHED[part])) if part in _PUBLISHED else None


# Private


def _values(settings: Settings, place: Place, layout: Layout) -> dict[str, str]:
    ports = {part: getattr(settings, f"{part}_port") for part in (*BEHIND, *POOLS)}
    # A pool's address is only known where it is asked through here.
    pools = {f"{pool.upper()}_DIRECT": place.parts.get(pool, "") for pool in POOLS}
    known = {part: found for part in _PUBLISHED if (found := published(settings, part))}
    hosts = [(part, host) for part, (host, _) in known.items()]
    hosts += [(part, name) for part, (_, name) in place.also.items()]
    origins = [(part, origin) for part, (_, origin) in known.items() if part in _WRITES]
    also = [(part, address) for part, (address, _) in place.also.items()]

    def entries(pairs: list[tuple[str, str]]) -> str:
        return "\n    ".join(f'"{ports[part]} {value}" 1;' for part, value in pairs)

    more = [f"include {part}.conf;" for part in ("grafana",) if part in place.parts]
    more += ["include pools.conf;"] if set(POOLS) <= set(place.parts) else []
    return {
        "NGINX_USER_DIRECTIVE": place.user,
        "RUN_DIR": place.run,
        "LISTEN": place.listen,
        "THIS_MACHINE": "\n    ".join(f"{each} 1;" for each in place.this_machine),
        "ALSO_HERE": entries(also),
        "ALSO_HOSTS": entries(hosts),
        "ALSO_ORIGINS": entries(origins),
        "AUTHORIZATION": password.authorization(layout),
        "MORE_SERVERS": "\n    ".join(more),
        **{f"{part.upper()}_PORT": str(port) for part, port in ports.items()},
        **{f"{part.upper()}_ADDR": place.parts.get(part, "") for part in BEHIND},
        **pools,
    }
