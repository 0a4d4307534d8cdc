"""A histogram of durations: counts per bucket and an exact sum.

nginx writes durations with a resolution of 1 ms, so sums are kept as whole milliseconds: they do
not depend on the order in which lines are added, and a replay after a crash ends at the same
number.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

# nginx's resolution, then the boundaries of OpenTelemetry and client_python.
DEFAULT_BUCKETS = (
    0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip


class Histogram:
    """Durations in buckets; `bounds` are upper limits in seconds, without +Inf."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum_ms = 0
        # Rounded, because 0.29 * 1000 is a little less than 290.
        self._bounds_ms = [round(bound * 1000, 6) for bound in bounds]
        # Durations repeat, so they are counted as text first and sorted into buckets together.
        self._unsorted: Counter[bytes] = Counter()

    def observe(self, durations: Iterable[bytes]) -> None:
        """Count durations as nginx writes them, `0.012`; `-` and nothing are no durations."""
        self._unsorted.update(durations)
        if len(self._unsorted) > _MOST_UNSORTED:
            self._sort()

    def read(self) -> tuple[list[int], float]:
        """Return how many were at most each bound (the last counts all), and the sum in seconds."""
        self._sort()
        return list(accumulate(self._counts)), self._sum_ms / 1000

    def to_state(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        self._sort()
        return {"counts": self._counts, "sum_ms": self._sum_ms}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned. Raises ValueError if the buckets are others."""
        counts = [int(count) for count in state["counts"]]
        if len(counts) != len(self._counts):
            raise ValueError("the histogram has other buckets")
        self._counts, self._sum_ms = counts, int(state["sum_ms"])

    # Private

    def _sort(self) -> None:
        for text, times in self._unsorted.items():
            if text.strip(b"-"):
                milliseconds = round(float(text) * 1000)
                self._counts[bisect_left(self._bounds_ms, milliseconds)] += times
                self._sum_ms += milliseconds * times
        self._unsorted.clear()


_MOST_UNSORTED = 10_000
