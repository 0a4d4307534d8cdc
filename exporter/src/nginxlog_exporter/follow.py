"""Follows one log: blocks from the tail, through the parser, into the aggregate, into the snapshot.

Everything a scrape shows changes under one lock, together with the place in the log it belongs to.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from nginxlog_exporter import state
from nginxlog_exporter.aggregate import Aggregate, Shape
from nginxlog_exporter.complaints import Complaints
from nginxlog_exporter.logcounters import SETTINGS_CHANGED, STATE_UNUSABLE, LogCounters
from nginxlog_exporter.logformat import LineFormat
from nginxlog_exporter.parse import Parsed, parse
from nginxlog_exporter.pools import DesiredDir
from nginxlog_exporter.rotation import Position
from nginxlog_exporter.settings import Settings
from nginxlog_exporter.tail import Block, Tail

log = logging.getLogger(__name__)


class Follower:
    """One log, its place and its counters. Hold `lock` to read more than one number.

    `complete`: nobody writes to the log any more, and nothing is to be remembered of it.
    """

    def __init__(
        self, settings: Settings, line_format: LineFormat, *, complete: bool = False
    ) -> None:
        self.settings = settings
        self.line_format = line_format
        self.lock = threading.RLock()
        self.saves = 0
        self.save_errors = 0
        self.last_save = 0.0
        # As of the last look at the file: bytes that wait, when it was, and whether it succeeded.
        self.backlog = 0
        self.last_read = 0.0
        self.readable = False
        self._complete = complete
        self._changed = False
        self._desired_dir = (
            DesiredDir(settings.desired_dir, settings.pools.names) if settings.desired_dir else None
        )
        self._complaints = Complaints()
        self._begin(None)

    def restore(self) -> None:
        """Continue from the snapshot; an unusable one is put aside, logged and counted."""
        path = self.settings.state_file
        try:
            kept = state.load(path)
            if kept is None:
                log.info("no snapshot yet: reading %s from its beginning", self.settings.file)
                return
            self._take_over(kept)
        except (state.StateError, KeyError, TypeError, ValueError, AttributeError) as error:
            # Its lines were counted already: going on at the end loses some, going back to the
            # beginning would count most of them again.
            self._begin(None, from_end=True)
            self.counters.gaps[STATE_UNUSABLE] += 1
            with suppress(OSError):
                path = state.put_aside(path)
            log.error("counters begin anew: %s; the file is kept as %s", error, path)  # noqa: TRY400
        self._changed = True

    def catch_up(self, keep_going: Callable[[], bool] = lambda: True) -> None:
        """Read what is new, block by block, while `keep_going()`."""
        while keep_going() and (block := self.tail.read()):
            parsed = parse(block.lines, self.line_format)
            self._complaints.about(parsed)
            with self.lock:
                self._take(block, parsed)
        with self.lock:
            self._look()

    def knows(self, needs: Iterable[str]) -> bool:
        """Tell whether the log has these variables; the declared pool may also be on the disk."""
        known = self.line_format.fields
        return all(name in known or (name == "desired" and self._desired_dir) for name in needs)

    def desired(self) -> tuple[str | None, float]:
        """Return the declared pool and since when (seconds since the epoch, 0 if unknown)."""
        if self._desired_dir:
            return self._desired_dir.pool(), self._desired_dir.changed_at()
        return self.aggregate.desired, self.aggregate.desired_changed_at

    def announce(self, children: Iterable[Hashable]) -> set[Hashable]:
        """Return which of these series no scrape has seen yet, and remember that one has now.

        Prometheus does not count what a series starts with, so each is shown as 0 once.
        """
        new = set(children) - self._announced
        self._announced |= new
        self._changed |= bool(new)
        return new

    def save(self) -> None:
        """Make the counters durable, if anything changed. A failure is counted and logged."""
        with self.lock:
            if self._complete or not self._changed:
                return
            try:
                state.save(self.settings.state_file, self._to_state())
            except OSError as error:
                self.save_errors += 1
                log.error("the snapshot cannot be written: %s", error)  # noqa: TRY400
                return
            self._changed = False
            self.saves += 1
            self.last_save = time.time()

    # Private

    def _begin(self, position: Position | None, *, from_end: bool = False) -> None:
        shape = Shape(
            pools=self.settings.pools,
            buckets=self.settings.buckets,
            window=self.settings.window,
            active_after=self.settings.active_after,
        )
        self.aggregate = Aggregate(shape, self.line_format)
        self.counters = LogCounters()
        self.tail = Tail(self.settings.file, position, from_end=from_end, complete=self._complete)
        self._position = position
        self._announced: set[Hashable] = set()

    def _look(self) -> None:
        """Note what the reader knows of the file, so that no scrape has to touch it."""
        self.backlog = self.tail.backlog()
        self.readable = self.tail.readable
        if self.readable:
            self.last_read = time.time()

    def _take(self, block: Block, parsed: Parsed) -> None:
        self.aggregate.add(parsed.rows)
        self.counters.add(block, parsed, self.aggregate.last_time(parsed.rows))
        if block.rotation:
            log.info("%s was rotated (%s)", self.settings.file, block.rotation)
        if block.gap:
            log.warning("lines of %s may be missing (%s)", self.settings.file, block.gap)
        self._position = block.position
        self._changed = True
        self._look()

    def _to_state(self) -> dict[str, Any]:
        return {
            "settings": self._fingerprint(),
            "files": {
                str(self.settings.file): {
                    "position": self._position.to_state() if self._position else None,
                    "counters": self.counters.to_state(),
                }
            },
            "aggregate": self.aggregate.to_state(),
            "announced": sorted(self._announced, key=repr),
        }

    def _take_over(self, kept: dict[str, Any]) -> None:
        file = kept["files"].get(str(self.settings.file))
        position = file["position"] if file else None
        self._begin(Position.from_state(position) if position else None)
        if kept["settings"] != self._fingerprint():
            # The place stays, so that no line is counted twice or skipped.
            self.counters.gaps[SETTINGS_CHANGED] += 1
            log.warning("pools or buckets are others than before: counters begin anew")
            return
        self.aggregate.restore(kept["aggregate"])
        if file:
            self.counters.restore(file["counters"])
        self._announced = {(family, tuple(labels)) for family, labels in kept["announced"]}

    def _fingerprint(self) -> str:
        """Return what stays the same as long as counters mean the same."""
        meaning = repr((sorted(self.settings.pools.patterns.items()), self.settings.buckets))
        return hashlib.sha256(meaning.encode()).hexdigest()
