"""Who this process is: the pool it stands in and the release it runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

POOLS = ("blue", "green")
# What may be written in a header and a log without quoting.
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Said in every answer, as X-App-Pool and X-Release-Id."""

    pool: str
    release: str


def identity_from(environment: Mapping[str, str]) -> Identity:
    """Read POOL and RELEASE. Raises ValueError that names the wrong one."""
    pool = environment.get("POOL", "")
    if pool not in POOLS:
        raise ValueError(f"POOL must be {' or '.join(POOLS)}, not {pool!r}")
    release = environment.get("RELEASE", "")
    if not _RELEASE.fullmatch(release):
        raise ValueError(
            f"RELEASE must be 1 to 64 letters, digits or . _ + - (for example v1), not {release!r}"
        )
    return Identity(pool=pool, release=release)
