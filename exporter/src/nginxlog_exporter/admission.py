"""Limits the cardinality of labels: the first values are kept, all others map to `other`."""

# What a label says instead of a value beyond its limit, or of one that nobody knows.
OTHER = "other"
# In characters; a name is cut there.
LONGEST_LABEL = 128
# Combinations of labels for each pool: methods and statuses, servers and statuses.
MOST_REQUESTS, MOST_ATTEMPTS = 100, 224
# Of pools without a name in the settings there may be many.
MOST_POOLS = 10


class CardinalityLimiter:
    """Lets the first names in; `most` is how many, `other` not counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known = {OTHER}

    def __call__(self, name: str) -> str:
        """Return the label value for a name."""
        name = name[:LONGEST_LABEL]
        if name not in self._known:
            if len(self._known) > self._most:
                return OTHER
            self._known.add(name)
        return name


class CombinationLimiter:
    """Lets the first combinations of labels in, so many for each pool and in all.

    Each label is closed, but all their combinations are too many.
    """

    def __init__(self, most: int, pools: int) -> None:
        self._most = most
        self._all = most * (pools or MOST_POOLS)
        self._known: dict[str, set[tuple[str, ...]]] = {}
        self._count = 0

    def __call__(self, pool: str, *labels: str) -> bool:
        """Tell whether a combination is let in."""
        known = self._known.setdefault(pool, set())
        if labels in known:
            return True
        if len(known) >= self._most or self._count >= self._all:
            return False
        known.add(labels)
        self._count += 1
        return True
