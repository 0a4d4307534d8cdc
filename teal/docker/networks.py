"""Docker's side of the networks: what stands in their way, and where the gateway is in them."""

import json

from teal.docker import engine
from teal.docker.addresses import Found, Plan
from teal.docker.compose import Compose
from teal.settings import POOLS, Settings
from teal.stack.gateway import BEHIND, Place


def leave_others(plan: Plan, stack: str, compose: Compose) -> bool:
    """Take the stack down if it runs in networks of an older version, or of another subnet.

    Say so, once. Return whether it was so. Raises RuntimeFailedError.
    """
    names = engine.docker(
        "network", "ls", "--format", "{{.Name}}",
        "--filter", f"label=com.docker.compose.project={stack}",
    ).split()  # fmt: skip
    existing = json.loads(engine.docker("network", "inspect", *names)) if names else []
    found = [
        Found(each["Name"], tuple(c["Subnet"] for c in each["IPAM"]["Config"] or ()))
        for each in existing
    ]
    in_the_way = plan.in_the_way(found, stack)
    if not in_the_way:
        return False
    print(
        "The networks are others than before: the stack goes down once, and comes up in the new "
        "ones ...",
        flush=True,
    )
    compose.run("down", "--remove-orphans")
    for name in engine.docker("network", "ls", "--format", "{{.Name}}").split():
        if name in in_the_way:
            engine.docker("network", "rm", name)
    return True


def gateway_place(settings: Settings, plan: Plan, *, has_grafana: bool, is_root: bool) -> Place:
    """Return where the gateway's container stands. `is_root`: it runs as its container's root."""
    who = {part: part for part in BEHIND if part != "grafana" or has_grafana}
    # nginx has these ports for the gateway: a pool is asked as nginx reaches it.
    who |= dict.fromkeys(("status", *POOLS), "nginx")
    return Place(
        # It is published on 127.0.0.1, and Docker passes on from the bridge's address.
        listen="0.0.0.0",  # noqa: S104 - it looks at who asks
        run="/tmp",  # noqa: S108 - of the container
        this_machine=("127.0.0.0/8", plan.networks["edge"].bridge),
        parts={
            name: f"{plan.address(part)}:{getattr(settings, f'{name}_port')}"
            for name, part in who.items()
        },
        # Grafana knows no password of Prometheus: it asks through the gateway as well.
        also={"prometheus": (plan.address("grafana"), plan.address("gateway"))},
        # Its workers would be nobody's.
        user="user root;" if is_root else "",
    )


def strangers(settings: Settings) -> str:
    """Return who gets no answer at the front door, in the words of nginx's `geo`."""
    if not settings.http_addr.startswith(("127.", "[::1]")):
        return "default 0;"
    return f"default 1; 127.0.0.0/8 0; {settings.docker_subnet} 0;"
