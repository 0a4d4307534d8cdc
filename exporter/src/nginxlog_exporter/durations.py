"""Durations of requests and of attempts, as histograms per pool.

Durations repeat: they are counted as text first, and what a text means is looked up once for many
lines (see `Captures`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nginxlog_exporter.histogram import Histogram
from nginxlog_exporter.meanings import Timing
from nginxlog_exporter.parse.records import Texts, Times


class Durations:
    """Three histograms for each pool. A pool that is not there yet is added when it is timed."""

    def __init__(
        self,
        pools: Iterable[str],
        bounds: tuple[float, ...],
        meaning: Callable[[Texts], Times],
    ) -> None:
        self._bounds = bounds
        self._meaning = meaning
        self._pending: dict[Timing, Counter[Texts]] = {}
        self._families: dict[str, dict[str, Histogram]] = {name: {} for name in FAMILIES}
        for pool in pools:
            self.add_pool(pool)

    def add_pool(self, pool: str) -> None:
        """Have empty histograms of a pool."""
        for histograms in self._families.values():
            histograms[pool] = Histogram(self._bounds)

    def observe(self, timing: Timing, texts: Iterable[Texts]) -> None:
        """Count the durations of lines."""
        if not timing.timed:
            return
        untold = self._pending.get(timing)
        if untold is None:
            untold = self._pending[timing] = Counter()
            for pool in {timing.pool, *(pool for _, pool in timing.attempts)}:
                if pool not in self._families[REQUEST]:
                    self.add_pool(pool)
        untold.update(texts)
        if sum(map(len, self._pending.values())) > _MOST_UNTOLD:
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
                self._observe(timing, self._meaning(text), times)
        self._pending.clear()

    def _observe(self, timing: Timing, meaning: Times, times: int) -> None:
        if meaning.request is not None:
            self._families[REQUEST][timing.pool].observe(meaning.request, times)
        for family, durations in ((RESPONSE, meaning.responses), (CONNECT, meaning.connects)):
            for place, pool in timing.attempts:
                took = durations[place] if place < len(durations) else None
                if took is not None:
                    self._families[family][pool].observe(took, times)


REQUEST, RESPONSE, CONNECT = FAMILIES = ("request", "upstream_response", "upstream_connect")
# Bound of memory, whatever the log holds: texts, of all timings together.
_MOST_UNTOLD = 16_384
