"""The exporter: which pool is declared, which one serves, and what each runs."""

from dataclasses import dataclass

from teal.clients.http import Client


@dataclass(frozen=True)
class Pools:
    """What the exporter sees. `retried` counts requests by what became of their retry."""

    desired: str | None
    active: str | None
    releases: dict[str, str]
    retried: dict[str, int]


class Exporter(Client):
    """Asks the exporter."""

    def pools(self) -> Pools:
        """Return which pool is desired, which is active, and their releases."""
        ones: dict[str, str] = {}
        releases = {}
        retried = {}
        for sample in self.samples():
            if sample.name == "nginxlog_http_retried_requests_total":
                retried[sample.labels["outcome"]] = int(sample.value)
            elif sample.value == 1 and sample.name == "nginxlog_pool_release_info":
                releases[sample.labels["pool"]] = sample.labels["release"]
            elif sample.value == 1 and sample.name in _POOLS:
                ones[sample.name] = sample.labels["pool"]
        desired, active = (ones.get(name) for name in _POOLS)
        return Pools(desired=desired, active=active, releases=releases, retried=retried)


# Private

# Of each pool 1 or 0.
_POOLS = ("nginxlog_desired_pool", "nginxlog_active_pool")
