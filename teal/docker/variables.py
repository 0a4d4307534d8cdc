"""What compose.yml is filled in with, beside the settings themselves."""

from teal.docker.addresses import Plan
from teal.settings import POOLS, Settings
from teal.stack import gateway
from teal.stack.layout import Layout


def of(
    settings: Settings,
    layout: Layout,
    plan: Plan,
    *,
    owner: tuple[int, int],
    user_namespace: str,
) -> dict[str, str]:
    """Return all of them, by name; no secret is among them.

    `owner` is the user and group, as containers number them, who own what containers write.
    """
    uid, gid = owner
    blue, green = (pools(settings, plan)[pool] for pool in POOLS)
    return {
        **settings.variables(),
        # Without an address the engine publishes at every one, of both families.
        "TEAL_HTTP_PUBLISHED": f"{settings.http_port}"
        if settings.http_addr in ("", "[::]")
        else f"{settings.http_addr}:{settings.http_port}",
        "TEAL_DATA": str(layout.directory),
        "TEAL_USER": f"{uid}:{gid}",
        "TEAL_USERNS": user_namespace,
        **plan.variables(),
        "TEAL_BLUE_ADDR": blue,
        "TEAL_GREEN_ADDR": green,
        "TEAL_BLUE_ADDR_BEFORE": _at(settings, "blue", plan.before["blue"]),
        "TEAL_GREEN_ADDR_BEFORE": _at(settings, "green", plan.before["green"]),
        "TEAL_INBOX_HOSTS": ",".join(_inbox_hosts(settings, plan)),
        "TEAL_PROMETHEUS_URL": settings.link("prometheus"),
        "TEAL_ALERTMANAGER_URL": settings.link("alertmanager"),
        "TEAL_RUNBOOK_URL": settings.runbook,
        "TEAL_DASHBOARD_URL": settings.dashboard_link(has_grafana=settings.grafana == "on"),
    }


def pools(settings: Settings, plan: Plan) -> dict[str, str]:
    """Return the address and port at which nginx is to find each pool."""
    return {pool: _at(settings, pool, plan.pool(pool)) for pool in POOLS}


# Private


def _at(settings: Settings, pool: str, address: str) -> str:
    return f"{address}:{settings.pool_port or settings.port_of(pool)}"


def _inbox_hosts(settings: Settings, plan: Plan) -> list[str]:
    found = gateway.published(settings, "inbox")
    return ["inbox", plan.address("inbox"), *(found[:1] if found else ())]
