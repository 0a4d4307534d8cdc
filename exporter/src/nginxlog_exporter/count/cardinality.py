"""Limits the cardinality of labels: the first values are kept, all others map to `other`."""

# What a label says instead of a value beyond its limit, or of one that nobody knows.
OTHER = "other"
# A label value is cut there.
MAX_LABEL_CHARS = 128
# Combinations of labels for each pool: methods and statuses, servers and statuses.
MAX_REQUESTS, MAX_ATTEMPTS = 100, 224
# Without configured pools there may be many.
MAX_POOLS = 10


class CardinalityLimiter:
    """Keeps the first `limit` values and maps the rest to `other`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known = {OTHER}

    def __call__(self, value: str) -> str:
        """Return the label value to count as."""
        value = value[:MAX_LABEL_CHARS]
        if value not in self._known:
            if len(self._known) > self._limit:
                return OTHER
            self._known.add(value)
        return value


class CombinationLimiter:
    """Keeps the first `limit` combinations of labels of each pool, and `limit * pools` in all.

    Each label is closed, but all their combinations are too many. `pools` is 0 if none are
    configured.
    """

    def __init__(self, limit: int, pools: int) -> None:
        self._limit = limit
        self._total_limit = limit * (pools or MAX_POOLS)
        self._known: dict[str, set[tuple[str, ...]]] = {}
        self._total = 0

    def __call__(self, pool: str, *labels: str) -> bool:
        """Tell whether a combination is kept."""
        known = self._known.setdefault(pool, set())
        if labels in known:
            return True
        if len(known) >= self._limit or self._total >= self._total_limit:
            return False
        known.add(labels)
        self._total += 1
        return True
