"""Durations fall into the right bucket, sums are exact, absent numbers are nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nginxlog_exporter.count.histogram import DEFAULT_BUCKETS, Histogram
from nginxlog_exporter.parse.records import Times
from nginxlog_exporter.parse.values import seconds, times, total


def test_a_bound_belongs_to_its_bucket() -> None:
    """`le` means less or equal, for every bound, also those that no float has exactly."""
    for bounds in (DEFAULT_BUCKETS, (0.29, 0.57, 1.1)):
        histogram = Histogram(bounds)
        for bound in bounds:
            histogram.observe(round(bound * 1000))

        assert histogram.read()[0] == [*range(1, len(bounds) + 1), len(bounds)]


def test_absent_durations_are_not_observed() -> None:
    """`-`, nothing and rubbish are no 0."""
    lists = {"upstream_response_time": "0.001, -, 1.x", "upstream_connect_time": "-"}

    assert times({"request_time": "-", **lists}) == Times(None, (1, None, None), ())
    assert times({}) == Times(None, (), ())


@settings(deadline=None)
@given(st.lists(st.integers(0, 100_000), max_size=300), st.randoms())
def test_the_sum_is_exact_in_any_order(milliseconds: list[int], random: object) -> None:
    """A replay after a crash ends at the same number."""
    texts = [f"{ms / 1000:.3f}" for ms in milliseconds]
    random.shuffle(texts)
    histogram = Histogram(DEFAULT_BUCKETS)
    for text in texts:
        histogram.observe(times({"request_time": text}).request)

    assert histogram.read()[1] == sum(milliseconds) / 1000


def test_other_buckets_cannot_be_restored() -> None:
    """Counts would stand under wrong bounds."""
    with pytest.raises(ValueError, match="other buckets"):
        Histogram((1.0,)).restore(Histogram((1.0, 2.0)).to_state())


def test_absent_numbers_count_as_zero() -> None:
    """In sums, and in the start of a request."""
    assert total([b"1", b"-", b"", b"2"]) == 3
    assert (seconds(b"-"), seconds(b""), seconds(b"1.5")) == (0, 0, 1.5)
