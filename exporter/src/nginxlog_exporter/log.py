"""One followed log: its reader, what happened to it, and what the last look at it showed."""

import os
import time
from pathlib import Path
from typing import Any, Protocol

from nginxlog_exporter.logcounters import Events, LogCounters
from nginxlog_exporter.parse import Parsed
from nginxlog_exporter.place import Position
from nginxlog_exporter.tail import Block, Tail


class Source(Protocol):
    """What a log is read from; see `Tail`."""

    position: Position | None
    readable: bool
    missing: bool

    @property
    def is_lost(self) -> bool:
        """Whether what was being read is gone."""

    @property
    def is_told(self) -> bool:
        """Whether no block is due that tells what happened."""

    def begin(self) -> None:
        """Find the first place."""

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""

    def backlog(self) -> int:
        """Return how many bytes wait."""


class Log:
    """A log and its place. Reading moves the reader on, counting moves the place on.

    `complete`: nobody writes to the log any more. `source`: what to read instead of a file.
    """

    def __init__(
        self,
        path: Path,
        position: Position | None = None,
        *,
        from_end: bool = False,
        complete: bool = False,
        source: Source | None = None,
    ) -> None:
        self.path = path
        self.counters = LogCounters()
        # What of them is in the snapshot and could not be had from the log again.
        self.kept = self.counters.events()
        # As of the last look at the file: bytes that wait, when it was, and whether it succeeded.
        self.backlog = 0
        self.last_read = 0.0
        self.readable = False
        # Of the file system that the log is on, as far as nginx may use it; 0 if unknown.
        self.free_bytes = 0
        self.size_bytes = 0
        self._tail = source or Tail(path, position, from_end=from_end, complete=complete)
        self._position = position

    @property
    def name(self) -> str:
        """The path as text; on the disk it need not be UTF-8."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file just now."""
        return self._tail.missing

    @property
    def is_lost(self) -> bool:
        """Whether what was being read is there no more, under any name."""
        return self._position is not None and self._tail.is_lost

    @property
    def is_kept_waiting(self) -> bool:
        """Whether what was being read is there, but may not be read just now."""
        return self._position is not None and not self._tail.readable and not self._tail.missing

    def read(self) -> Block | None:
        """Return what is new, None if nothing is; it has to be counted next."""
        return self._tail.read()

    def count(self, block: Block, parsed: Parsed, last_line: float) -> None:
        """Take note of a block that was read; `last_line` is its last log time, 0 if unknown."""
        self.counters.add(block, parsed, last_line)
        self._position = block.position

    def begin(self) -> bool:
        """Find the first place, before which nothing is to be counted; tell whether it was now."""
        if self._position is None:
            self._tail.begin()
            self._position = self._tail.position
            return self._position is not None
        return False

    def settle(self) -> bool:
        """Take over what the reader knows of files without new lines; tell whether it matters.

        All that it has read has to be counted.
        """
        known, before = self._tail.position, self._position
        if known is None or not self._tail.is_told:
            return False
        self._position = known
        return before is None or (before.left, before.ahead) != (known.left, known.ahead)

    def look(self) -> None:
        """Note what the reader knows of the file, so that no scrape has to touch it."""
        self.backlog = self._tail.backlog()
        self.readable = self._tail.readable
        if self.readable:
            self.last_read = time.time()
        self._look_at_disk()

    def begin_anew(self) -> None:
        """Forget what was counted, but not the place."""
        self.counters = LogCounters()
        self.kept = self.counters.events()

    def events(self, *, is_durable: bool) -> Events:
        """Return what happened to the log, but nothing that a kill might make unseen."""
        return self.counters.events() if is_durable else self.kept

    @property
    def lag(self) -> float:
        """The age of the last counted line while others wait, else 0 (seconds)."""
        behind = self.backlog > 0 and self.counters.last_line > 0
        return max(time.time() - self.counters.last_line, 0.0) if behind else 0.0

    def to_state(self) -> dict[str, Any]:
        """Return the place and the counters as JSON values."""
        return {
            "position": self._position.to_state() if self._position else None,
            "counters": self.counters.to_state(),
        }

    @classmethod
    def from_state(cls, path: Path, state: dict[str, Any], *, with_counters: bool) -> "Log":
        """Return what `to_state` was called on. Raises KeyError, TypeError or ValueError."""
        position = state["position"]
        log = cls(path, Position.from_state(dict(position)) if position else None)
        if with_counters:
            log.counters.restore(state.get("counters", {}))
            log.kept = log.counters.events()
        return log

    # Private

    def _look_at_disk(self) -> None:
        """Note the room on the file system; of the folder, because the file may be missing."""
        try:
            disk = os.statvfs(self.path.parent)
        except OSError:
            self.free_bytes = self.size_bytes = 0
            return
        self.free_bytes = disk.f_bavail * disk.f_frsize
        # Without what is kept for root, so that full is 0 of it.
        self.size_bytes = (disk.f_blocks - disk.f_bfree + disk.f_bavail) * disk.f_frsize
