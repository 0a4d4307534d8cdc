"""Which pool an address belongs to.

A pool is known by the addresses of its servers, as nginx logs them. That works whatever the pool
answers, and when it answers nothing at all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

# Who answered if no configured pool did: nginx itself, or a server that no pattern fits.
NONE = "none"
UNKNOWN = "unknown"
_MAX_MAPS = 100

_ADDRESS = re.compile(r"unix:.+|.+:[0-9]+", re.DOTALL)


def is_address(upstream: str) -> bool:
    """Tell an address from the name of a group, which nginx logs when no server of it was live."""
    return _ADDRESS.fullmatch(upstream) is not None


@dataclass(frozen=True)
class PoolMap:
    """Pool name -> patterns of addresses, `*` being any text.

    Pools stand by for each other within their group: `api/blue` and `api/green` are the group
    `api`; names without a slash are the group ``. The first pool of a group is its default. A map
    of no pools means that each address is a pool of its own, and that no pool stands by.
    """

    patterns: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The configured pools, in the order of the settings."""
        return tuple(self.patterns)

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The pools of each group."""
        return {
            group: tuple(name for name in self.names if group_of(name) == group)
            for group in dict.fromkeys(map(group_of, self.names))
        }

    def with_less(self) -> Iterator["PoolMap"]:
        """Yield the maps of before pools got a further address, one address each; not too many.

        What counted as a pool's then is still that pool's.
        """
        choices = product(*([(one,) for one in each] for each in self.patterns.values()))
        for choice in islice(choices, _MAX_MAPS):
            yield PoolMap(dict(zip(self.patterns, choice, strict=True)))

    def pool_of(self, address: str) -> str:
        """Return the first pool that has a pattern for the address, else `unknown`."""
        if not self.patterns:
            return address
        for name, patterns in self.patterns.items():
            if any(_matches(pattern, address) for pattern in patterns):
                return name
        return UNKNOWN


def group_of(pool: str) -> str:
    """Return the group that a pool's name says."""
    return pool.rpartition("/")[0]


# Private


def _matches(pattern: str, address: str) -> bool:
    # Not fnmatch: the brackets of an IPv6 address are no set of characters.
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address) is not None
