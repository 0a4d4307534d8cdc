"""A histogram of durations: counts per bucket and an exact sum.

nginx writes durations with a resolution of 1 ms, so sums are kept as whole milliseconds: they do
not depend on the order in which lines are added, and a replay after a crash ends at the same
number.
"""

from bisect import bisect_left
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

    def bucket(self, milliseconds: int) -> int:
        """Return the index of the bucket that such a duration falls into."""
        return bisect_left(self._bounds_ms, milliseconds)

    def observe(self, milliseconds: int, times: int = 1) -> None:
        """Count a duration that was seen so many times."""
        self._counts[self.bucket(milliseconds)] += times
        self._sum_ms += milliseconds * times

    def read(self) -> tuple[list[int], float]:
        """Return how many were at most each bound (the last counts all), and the sum in seconds."""
        return list(accumulate(self._counts)), self._sum_ms / 1000

    def to_state(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"counts": self._counts, "sum_ms": self._sum_ms}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned. Raises ValueError if the buckets are others."""
        counts = [int(count) for count in state["counts"]]
        if len(counts) != len(self._counts):
            raise ValueError("the histogram has other buckets")
        self._counts, self._sum_ms = counts, int(state["sum_ms"])
