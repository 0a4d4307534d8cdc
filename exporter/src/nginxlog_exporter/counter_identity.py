"""What must stay the same for counters to mean the same; other settings reset them."""

import hashlib
from collections.abc import Iterator

from nginxlog_exporter.config import Settings
from nginxlog_exporter.pools.pool_map import PoolMap


def identity(settings: Settings, pools: PoolMap | None = None) -> str:
    """Return the SHA-256 of the pools and the buckets.

    The order of the pools is part of it: the first pattern that fits decides.
    """
    patterns = list((pools or settings.pools).patterns.items())
    return _hash(("in order", patterns, settings.buckets))


def identities(settings: Settings) -> Iterator[str]:
    """Yield those of settings whose counters mean the same: a pool may have got an address.

    Also as version 1.0.0 wrote them, which did not tell the order of the pools.
    """
    for pools in (settings.pools, *settings.pools.with_less()):
        yield identity(settings, pools)
        yield _hash((sorted(pools.patterns.items()), settings.buckets))


# Private


def _hash(meaning: object) -> str:
    return hashlib.sha256(repr(meaning).encode()).hexdigest()
