"""One followed log: its tailer, its counters, and what the last look at it showed."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from nginxlog_exporter.tail.block import Block
from nginxlog_exporter.tail.checkpoint import Checkpoint
from nginxlog_exporter.tail.file_counters import Events, FileCounters
from nginxlog_exporter.tail.tailer import Tailer


class Source(Protocol):
    """What a log is read from: a `Tailer`, or a `StreamTailer`."""

    checkpoint: Checkpoint | None

    @property
    def readable(self) -> bool:
        """Whether it may be read just now."""

    @property
    def missing(self) -> bool:
        """Whether there is no such file just now."""

    @property
    def is_lost(self) -> bool:
        """Whether what was being read is gone."""

    @property
    def has_pending(self) -> bool:
        """Whether a block is due that reports what happened."""

    def begin(self) -> None:
        """Find the first checkpoint."""

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""

    def backlog(self) -> int:
        """Return how many bytes wait."""


class FollowedFile:
    """A log and its checkpoint. Reading moves the tailer on, counting moves the checkpoint on.

    `complete`: nobody writes to the log any more. `source`: what to read instead of a file.
    """

    def __init__(
        self,
        path: Path,
        checkpoint: Checkpoint | None = None,
        *,
        from_end: bool = False,
        complete: bool = False,
        source: Source | None = None,
    ) -> None:
        self.path = path
        self.counters = FileCounters()
        # Those of the last snapshot that reading the log again would not give.
        self.kept = self.counters.events()
        # As of the last look at the file: bytes that wait, when it was, and whether it succeeded.
        self.backlog = 0
        self.last_read = 0.0
        self.readable = False
        # Of the file system that the log is on, as far as nginx may use it; 0 if unknown.
        self.free_bytes = 0
        self.size_bytes = 0
        self._source = source or Tailer(path, checkpoint, from_end=from_end, complete=complete)
        self._checkpoint = checkpoint

    @property
    def name(self) -> str:
        """The path as text; on the disk it need not be UTF-8."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file just now."""
        return self._source.missing

    @property
    def is_lost(self) -> bool:
        """Whether what was being read is there no more, under any name."""
        return self._checkpoint is not None and self._source.is_lost

    @property
    def is_kept_waiting(self) -> bool:
        """Whether what was being read is there, but may not be read just now."""
        return (
            self._checkpoint is not None and not self._source.readable and not self._source.missing
        )

    def read(self) -> Block | None:
        """Return what is new, None if nothing is; it has to be counted next."""
        return self._source.read()

    def count(
        self, block: Block, *, parsed: int, unparsed: Mapping[str, int], last_line: float
    ) -> None:
        """Count a block that was read, as `FileCounters.add` does, and move the checkpoint on."""
        self.counters.add(block, parsed=parsed, unparsed=unparsed, last_line=last_line)
        self._checkpoint = block.checkpoint

    def begin(self) -> bool:
        """Find the first checkpoint, before which nothing is counted; tell whether it was now."""
        if self._checkpoint is None:
            self._source.begin()
            self._checkpoint = self._source.checkpoint
            return self._checkpoint is not None
        return False

    def settle(self) -> bool:
        """Take over what the tailer knows of files without new lines; tell whether it matters.

        All that it has read has to be counted.
        """
        known, before = self._source.checkpoint, self._checkpoint
        if known is None or self._source.has_pending:
            return False
        self._checkpoint = known
        return before is None or (before.left, before.ahead) != (known.left, known.ahead)

    def look(self) -> None:
        """Note what the tailer knows of the file, so that no scrape has to touch it."""
        self.backlog = self._source.backlog()
        self.readable = self._source.readable
        if self.readable:
            self.last_read = time.time()
        self._look_at_disk()

    def reset(self) -> None:
        """Reset the counters, but not the checkpoint."""
        self.counters = FileCounters()
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
        """Return the checkpoint and the counters as JSON values."""
        return {
            "position": self._checkpoint.to_state() if self._checkpoint else None,
            "counters": self.counters.to_state(),
        }

    @classmethod
    def from_state(
        cls, path: Path, state: dict[str, Any], *, with_counters: bool
    ) -> "FollowedFile":
        """Return what `to_state` was called on. Raises KeyError, TypeError or ValueError."""
        checkpoint = state["position"]
        log = cls(path, Checkpoint.from_state(dict(checkpoint)) if checkpoint else None)
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
