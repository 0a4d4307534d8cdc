"""Durations of requests and of attempts, as histograms per pool.

Durations repeat: they are counted as text first, and each text is decoded once for many lines.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nginxlog_exporter.count.classifier import Timing
from nginxlog_exporter.count.histogram import Histogram
from nginxlog_exporter.parse.records import Texts, Times


class Durations:
    """Three histograms for each pool; a new pool is added at its first duration."""

    def __init__(
        self,
        pools: Iterable[str],
        bounds: tuple[float, ...],
        times_of: Callable[[Texts], Times],
    ) -> None:
        self._bounds = bounds
        self._times_of = times_of
        self._pending: dict[Timing, Counter[Texts]] = {}
        self._families: dict[str, dict[str, Histogram]] = {name: {} for name in FAMILIES}
        for pool in pools:
            self.add_pool(pool)

    def add_pool(self, pool: str) -> None:
        """Add empty histograms of a pool."""
        for histograms in self._families.values():
            histograms[pool] = Histogram(self._bounds)

    def observe(self, timing: Timing, texts: Iterable[Texts]) -> None:
        """Count the durations of lines with this timing; `texts` are their duration texts."""
        if not timing.timed:
            return
        pending = self._pending.get(timing)
        if pending is None:
            pending = self._pending[timing] = Counter()
            for pool in {timing.pool, *(pool for _, pool in timing.attempts)}:
                if pool not in self._families[REQUEST]:
                    self.add_pool(pool)
        pending.update(texts)
        if sum(map(len, self._pending.values())) > _MAX_PENDING:
            self._flush()

    def read(self, family: str) -> Mapping[str, Histogram]:
        """Return the histograms of a family by pool."""
        self._flush()
        return self._families[family]

    def to_state(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        self._flush()
        return {
            name: {pool: histogram.to_state() for pool, histogram in histograms.items()}
            for name, histograms in self._families.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned; a family that is missing began later.

        Raises AttributeError, KeyError, TypeError or ValueError.
        """
        for name, histograms in self._families.items():
            for pool, kept in state.get(name, {}).items():
                histograms.setdefault(pool, Histogram(self._bounds)).restore(kept)

    # Private

    def _flush(self) -> None:
        for timing, texts in self._pending.items():
            for text, times in texts.items():
                self._observe(timing, self._times_of(text), times)
        self._pending.clear()

    def _observe(self, timing: Timing, took: Times, times: int) -> None:
        if took.request is not None:
            self._families[REQUEST][timing.pool].observe(took.request, times)
        for family, durations in ((RESPONSE, took.responses), (CONNECT, took.connects)):
            for position, pool in timing.attempts:
                duration = durations[position] if position < len(durations) else None
                if duration is not None:
                    self._families[family][pool].observe(duration, times)


REQUEST, RESPONSE, CONNECT = FAMILIES = ("request", "upstream_response", "upstream_connect")
# Bound of memory, whatever the log holds: texts, of all timings together.
_MAX_PENDING = 16_384
