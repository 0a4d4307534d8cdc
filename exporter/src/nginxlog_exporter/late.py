"""The files that were rotated away, while a slow nginx worker may still write to them.

Every worker reopens its log in its own time. One that is held up goes on writing to the renamed
file after all others have changed, and these late lines count as well.
"""

import os
import time
from dataclasses import replace
from functools import partial
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter import place, rotation
from nginxlog_exporter.lines import read_lines
from nginxlog_exporter.place import DAMAGE, Identity, LogFile, Position

# A file is watched for that long after its last line.
LATE_SECONDS = 60.0
# Half a line at the end of a file that nobody writes to is all there will be of it.
QUIET_SECONDS = 1.0

_Left = tuple[Position, ...]


class LateLines(NamedTuple):
    """Complete lines of a file that was left, and the places after them."""

    left: _Left
    lines: bytes = b""
    size: int = 0
    too_long: int = 0
    # A file that a worker may have written to is gone; so many bytes of it are known to be.
    is_gap: bool = False
    lost_bytes: int = 0


class LateFiles:
    """Watches the files that were left; after a restart they are looked for first."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files: dict[Identity, LogFile] = {}

    @property
    def opened(self) -> frozenset[Identity]:
        """Devices and inodes of those that are held open."""
        return frozenset(self._files)

    def watch(self, file: LogFile, position: Position) -> None:
        """Watch this open file, too. To a compressed one nobody writes."""
        if isinstance(file, FileIO) and position.identity not in self._files:
            self._files[position.identity] = FileIO(os.dup(file.fileno()))

    def forget(self) -> None:
        """Watch no longer."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def read(self, position: Position, live: Identity | None) -> LateLines | None:
        """Return what was written behind one of the places of `position.left`, None if nothing was.

        `live`: the log's own device and inode. Raises OSError if one cannot be read just now.
        """
        left = position.left
        for at, one in enumerate(left):
            if one.finished:
                continue
            after, lines = self._read_one(position, one, live)
            if after == one and lines is None:
                continue
            left = (*left[:at], after, *left[at + 1 :])
            if lines is not None:
                return lines._replace(left=left)
        return LateLines(left) if left != position.left else None

    def known_by(self, left: _Left) -> _Left:
        """Return the places with what the files held open are known by now."""
        return tuple(
            replace(one, head_length=now.head_length, head_digest=now.head_digest)
            if not one.head_length and (now := self._now(one))
            else one
            for one in left
        )

    def look_again(self, left: _Left) -> _Left:
        """Return the places with those unfinished of which the file has grown all the same."""
        return tuple(
            replace(one, finished=False) if one.finished and self._has_grown(one) else one
            for one in left
        )

    # Private

    def _read_one(
        self, position: Position, one: Position, live: Identity | None
    ) -> tuple[Position, LateLines | None]:
        """Read one file; return the place after it, and what is to be told."""
        try:
            file = self._files.get(one.identity)
            if file is None:
                file = rotation.steadily(self._log, partial(self._open, position, one))
                if file is None:
                    gap = LateLines((), is_gap=True, lost_bytes=one.unread)
                    return replace(one, finished=True), gap
                others = {other.identity for other in position.left if other is not one}
                # It may be another file by now, and its inode that of a third one.
                one = place.resume(one, file)
                if one.identity in others:
                    file.close()  # it was read compressed
                    return replace(one, finished=True), None
                self._files[one.identity] = file
            status = os.fstat(file.fileno())
            over = not isinstance(file, FileIO) or is_quiet(status, QUIET_SECONDS)
            lines, size, too_long = read_lines(file, one.offset, over=over)
            if size:
                after = place.advance(place.seen(one, file, status), file, size, lines)
                return after, LateLines((), lines, size, too_long)
        except DAMAGE:
            self._let_go(one)
            return replace(one, finished=True), LateLines((), is_gap=True)
        is_done = is_quiet(status, LATE_SECONDS) and one.identity != live
        if is_done or not isinstance(file, FileIO):
            self._let_go(one)
            return replace(one, finished=True), None
        return place.seen(one, file, status), None

    def _open(self, position: Position, one: Position) -> LogFile | None:
        path = self._path_of(position, one)
        return rotation.open_log(path) if path else None

    def _path_of(self, position: Position, one: Position) -> Path | None:
        """Find the file again after a restart; None if it is gone."""
        if one.head_length:
            return rotation.find(self._log, one)
        after = position.left[position.left.index(one) + 1 :]
        empty = next((at for at, other in enumerate(after) if other.head_length), len(after))
        # One that is finished may be this very file, read when it was compressed.
        between = sum(not other.finished for other in after[:empty])
        return rotation.before(self._log, (*after, position)[empty], one, between=between)

    def _now(self, one: Position) -> Position | None:
        file = self._files.get(one.identity)
        return place.begin(file) if file else None

    def _has_grown(self, one: Position) -> bool:
        try:
            path = rotation.find_same(self._log, one)
            return path is not None and path.suffix != ".gz" and path.stat().st_size > one.offset
        except OSError:
            return False

    def _let_go(self, one: Position) -> None:
        file = self._files.pop(one.identity, None)
        if file:
            file.close()


def is_quiet(status: os.stat_result, seconds: float) -> bool:
    """Tell whether a file was not written to for so long."""
    # Not just `age >= ...`: a clock that was set back must not hold the reader up.
    return not -seconds < time.time() - status.st_mtime < seconds
