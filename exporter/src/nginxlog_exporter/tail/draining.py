"""Draining rotated files, to which a slow nginx worker may still write.

Every worker reopens its log in its own time. One that is busy goes on writing to the renamed file
after all others have changed. These late lines count, too.
"""

import os
import time
from dataclasses import replace
from functools import partial
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter.tail import rotation
from nginxlog_exporter.tail.checkpoint import Checkpoint, Identity
from nginxlog_exporter.tail.fingerprint import DAMAGE, LogFile
from nginxlog_exporter.tail.lines import read_lines

# A file is drained for so long after its last line.
DRAIN_SECONDS = 60.0
# Half a line at the end of a file that nobody writes to is all there will be of it.
QUIET_SECONDS = 1.0

_Left = tuple[Checkpoint, ...]


class DrainedLines(NamedTuple):
    """Complete lines of a file that was left, and the checkpoints behind them."""

    left: _Left
    lines: bytes = b""
    size: int = 0
    too_long: int = 0
    # A file that a worker may have written to is gone; so many bytes of it are known to be.
    is_gap: bool = False
    lost_bytes: int = 0


class DrainingFiles:
    """The files that were left and not finished; after a restart they are found again first."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files: dict[Identity, LogFile] = {}

    @property
    def opened(self) -> frozenset[Identity]:
        """Devices and inodes of those that are held open."""
        return frozenset(self._files)

    def add(self, file: LogFile, checkpoint: Checkpoint) -> None:
        """Drain this open file, too. Nobody writes to a compressed one."""
        if isinstance(file, FileIO) and checkpoint.identity not in self._files:
            self._files[checkpoint.identity] = FileIO(os.dup(file.fileno()))

    def forget(self) -> None:
        """Close them all."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def read(self, checkpoint: Checkpoint, live: Identity | None) -> DrainedLines | None:
        """Return what was written behind one checkpoint of `checkpoint.left`, None if nothing was.

        `live`: the log's own device and inode. Raises OSError if one cannot be read just now.
        """
        left = checkpoint.left
        for at, one in enumerate(left):
            if one.finished:
                continue
            after, lines = self._read_one(checkpoint, one, live)
            if after == one and lines is None:
                continue
            left = (*left[:at], after, *left[at + 1 :])
            if lines is not None:
                return lines._replace(left=left)
        return DrainedLines(left) if left != checkpoint.left else None

    def with_heads(self, left: _Left) -> _Left:
        """Return the checkpoints with the heads that the open files have by now."""
        return tuple(
            replace(one, head_length=now.head_length, head_digest=now.head_digest)
            if not one.head_length and (now := self._now(one))
            else one
            for one in left
        )

    def reopened(self, left: _Left) -> _Left:
        """Return the checkpoints, unfinished again where the file has grown all the same."""
        return tuple(
            replace(one, finished=False) if one.finished and self._has_grown(one) else one
            for one in left
        )

    # Private

    def _read_one(
        self, checkpoint: Checkpoint, one: Checkpoint, live: Identity | None
    ) -> tuple[Checkpoint, DrainedLines | None]:
        """Read one file; return the checkpoint behind, and the lines or gap, if any."""
        try:
            file = self._files.get(one.identity)
            if file is None:
                file = rotation.steadily(self._log, partial(self._open, checkpoint, one))
                if file is None:
                    gap = DrainedLines((), is_gap=True, lost_bytes=one.unread)
                    return replace(one, finished=True), gap
                others = {other.identity for other in checkpoint.left if other is not one}
                # It may be another file by now, and its inode that of a third one.
                one = one.resume(file)
                if one.identity in others:
                    file.close()  # it was read compressed
                    return replace(one, finished=True), None
                self._files[one.identity] = file
            status = os.fstat(file.fileno())
            over = not isinstance(file, FileIO) or is_quiet(status, QUIET_SECONDS)
            lines, size, too_long = read_lines(file, one.offset, over=over)
            if size:
                after = one.seen(file, status).advance(file, size, lines)
                return after, DrainedLines((), lines, size, too_long)
        except DAMAGE:
            self._let_go(one)
            return replace(one, finished=True), DrainedLines((), is_gap=True)
        is_done = is_quiet(status, DRAIN_SECONDS) and one.identity != live
        if is_done or not isinstance(file, FileIO):
            self._let_go(one)
            return replace(one, finished=True), None
        return one.seen(file, status), None

    def _open(self, checkpoint: Checkpoint, one: Checkpoint) -> LogFile | None:
        path = self._path_of(checkpoint, one)
        return rotation.open_log(path) if path else None

    def _path_of(self, checkpoint: Checkpoint, one: Checkpoint) -> Path | None:
        """Find the file again after a restart; None if it is gone."""
        if one.head_length:
            return rotation.find(self._log, one)
        after = checkpoint.left[checkpoint.left.index(one) + 1 :]
        empty = next((at for at, other in enumerate(after) if other.head_length), len(after))
        # One that is finished may be this very file, read when it was compressed.
        between = sum(not other.finished for other in after[:empty])
        known = (*after, checkpoint)[empty]
        others = [other for other in (*checkpoint.left, checkpoint) if other.head_length]
        return rotation.before(self._log, known, one, between=between, others=others)

    def _now(self, one: Checkpoint) -> Checkpoint | None:
        file = self._files.get(one.identity)
        return Checkpoint.begin(file) if file else None

    def _has_grown(self, one: Checkpoint) -> bool:
        try:
            path = rotation.find_same(self._log, one)
            return path is not None and path.suffix != ".gz" and path.stat().st_size > one.offset
        except OSError:
            return False

    def _let_go(self, one: Checkpoint) -> None:
        file = self._files.pop(one.identity, None)
        if file:
            file.close()


def is_quiet(status: os.stat_result, seconds: float) -> bool:
    """Tell whether a file was not written to for so long."""
    # Not just `age >= ...`: a clock that was set back must not hold the reader up.
    return not -seconds < time.time() - status.st_mtime < seconds
