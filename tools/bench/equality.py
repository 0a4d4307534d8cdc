"""Makes sure that contenders counted the same, before their speed is compared."""

import math

from tools.bench.exposition import Samples, Series
from tools.bench.generate import BLUE, GREEN

_POOLS = {BLUE: "blue", GREEN: "green", "-": "none", "": "none"}
_MOST_SHOWN = 5


class DifferentError(Exception):
    """Two contenders counted differently; the text says where."""


def from_mtail(counted: Samples) -> Samples:
    """Call mtail's labels what the exporter calls them, and give zeros back to their buckets."""
    called = {(name, _translated(name, dict(labels))): v for (name, labels), v in counted.items()}
    return {series: v + _zeros_left_out(series, called) for series, v in called.items()}


def require_equal(expected: Samples, actual: Samples, *, who: str) -> None:
    """Compare sample by sample. Raises DifferentError.

    A missing sample is a 0. Counts must be the same; sums of seconds may differ by what adding
    floats in another order does.
    """
    both = (
        (series, expected.get(series, 0), actual.get(series, 0))
        for series in sorted(expected.keys() | actual.keys())
    )
    differences = [
        f"{_shown(series)}: the exporter {ours:.15g}, {who} {theirs:.15g}"
        for series, ours, theirs in both
        if not _same(series, ours, theirs)
    ]
    if differences or not expected:
        shown = "\n  ".join(differences[:_MOST_SHOWN] or ["the exporter counted nothing"])
        raise DifferentError(f"{who} did not count what the exporter counted:\n  {shown}")


# Private


def _same(series: Series, expected: float, actual: float) -> bool:
    if series[0].endswith("_seconds_sum"):
        return math.isclose(expected, actual, rel_tol=1e-9)
    return expected == actual


def _zeros_left_out(series: Series, counted: Samples) -> float:
    """Return how many observations of exactly 0 a bucket lacks.

    mtail 3.0.0~rc50 counts them and puts them into no bucket, not even the last; they belong into
    every one.
    """
    name, labels = series
    if not name.endswith("_bucket"):
        return 0
    others = [label for label in labels if label[0] != "le"]
    last = (name, tuple(sorted([*others, ("le", "inf")])))
    return counted[name.removesuffix("bucket") + "count", tuple(others)] - counted[last]


def _shown(series: Series) -> str:
    name, labels = series
    return f"{name}{{{','.join(f'{label}={value}' for label, value in labels)}}}"


def _translated(name: str, labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    labels.pop("prog", None)
    if "pool" in labels:
        labels["pool"] = _POOLS[labels["pool"]]
    if "class" in labels:
        labels["class"] += "xx"
    if name == "nginxlog_upstream_attempts_total":
        labels["pool"] = _POOLS[labels["upstream"]]
        labels["status"] = labels["status"].replace("-", "none")
    return tuple(sorted(labels.items()))
