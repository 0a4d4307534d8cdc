"""The networks of the containers: which there are, who is where, all from one subnet.

Pure arithmetic. Each pool is in a network of its own, with nginx and the prober only; what watches
is in `monitoring`, which leads nowhere; `edge` is the way in and out. Addresses are fixed, because
programs listen on exactly one of theirs, and nginx does not resolve names while it runs.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from teal.settings import POOLS

# In the order of their addresses. Which network leads outside is decided by Docker, by name: the
# name of `edge` comes before those of the pools (see compose.yml).
MEMBERS = {
    "blue": ("nginx", "blackbox"),
    "green": ("nginx", "blackbox"),
    "edge": ("nginx", "gateway", "alertmanager"),
    "monitoring": (
        "nginx",
        "gateway",
        "exporter",
        "blackbox",
        "prometheus",
        "alertmanager",
        "inbox",
        "grafana",
    ),
}
# Where blue was when there was one network only, so that its address never changed.
_POOL = 11
_BEFORE = {"blue": 11, "green": 12}
_BRIDGE = 1
_FIRST_MEMBER = 2


class Found(NamedTuple):
    """A network that exists: its name, and its subnets in CIDR notation."""

    name: str
    subnets: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """One network. Addresses are in dotted notation, `subnet` and `spare` in CIDR notation."""

    subnet: str
    # This machine's own address in it; what comes from this machine comes from there.
    bridge: str
    # Where containers get their address whose address does not matter, such as a database's.
    spare: str
    members: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """All networks of a stack, by name."""

    networks: Mapping[str, Network]
    # Pool -> the address that it had when there was one network only. Its log may still be unread.
    before: Mapping[str, str]

    def address(self, part: str, network: str = "monitoring") -> str:
        """Return the address of a part in a network."""
        return self.networks[network].members[part]

    def pool(self, pool: str) -> str:
        """Return the address of a pool in its network."""
        return self.address(pool, pool)

    def variables(self) -> dict[str, str]:
        """Return everything under the names that compose.yml uses."""
        found = {}
        for name, network in self.networks.items():
            prefix = f"TEAL_{name.upper()}"
            found[f"{prefix}_SUBNET"] = network.subnet
            found[f"{prefix}_BRIDGE"] = network.bridge
            found[f"{prefix}_SPARE"] = network.spare
            for part, address in network.members.items():
                found[f"{prefix}_IP_{part.upper()}"] = address
        return found

    def in_the_way(self, existing: Iterable[Found], stack: str) -> list[str]:
        """Return which networks that exist would collide with those of the plan.

        One that is as planned does not, nor one of someone else's making that is elsewhere.
        """
        planned = {name_of(name, stack): network.subnet for name, network in self.networks.items()}
        wanted = [ipaddress.IPv4Network(subnet) for subnet in planned.values()]
        return [
            each.name
            for each in existing
            if each.subnets != (planned.get(each.name),)
            and (
                each.name in planned
                or any(
                    ipaddress.ip_network(subnet).overlaps(ours)
                    for subnet in each.subnets
                    if ":" not in subnet
                    for ours in wanted
                )
            )
        ]


def plan(subnet: str) -> Plan:
    """Divide a subnet, /26 or larger, into four networks of a size."""
    whole = ipaddress.IPv4Network(subnet)
    quarters = dict(zip(MEMBERS, whole.subnets(prefixlen_diff=2), strict=True))
    return Plan(
        networks={name: _network(name, quarter) for name, quarter in quarters.items()},
        before={pool: str(whole[_BEFORE[pool]]) for pool in POOLS},
    )


def name_of(network: str, stack: str) -> str:
    """Return what Docker calls a network, as compose.yml says it."""
    return f"{stack}_pool_{network}" if network in POOLS else f"{stack}_{network}"


class EveryPartIsAHost(dict[str, str]):
    """In Compose's networks each part's name is its host."""

    def __missing__(self, part: str) -> str:
        return part


# Private


def _network(name: str, subnet: ipaddress.IPv4Network) -> Network:
    members = {part: str(subnet[at]) for at, part in enumerate(MEMBERS[name], _FIRST_MEMBER)}
    if name in POOLS:
        members[name] = str(subnet[_POOL])
    return Network(
        subnet=str(subnet),
        bridge=str(subnet[_BRIDGE]),
        # The last quarter: above every fixed address, also in the smallest network.
        spare=str(list(subnet.subnets(prefixlen_diff=2))[-1]),
        members=members,
    )
