"""Step 1 of the path: one log that is rotated, cut and replaced -> one endless source of blocks.

Promise: every complete line comes once, in order, whatever happens to the file; where lines were
lost, or may have been, a gap says so, with the bytes known to be lost. A missing or unreadable file
is no error: `readable` says it and reading goes on when it is back. Memory is bounded by the size
of a block.

pygtail's part is the walk: read on from a place, at the end ask whether there is a newer file,
close, begin that one. What it gets wrong for a daemon is replaced here. Text lines one by one: now
blocks of bytes, a partial line held back. Rotation seen only at start, and by inode: now at every
read, by device, inode, first bytes and last bytes read. One rotated file: now all of them in turn.
Live truncation unseen, and an unterminated last line that stops it for ever: both handled. An
offset file written in place: now the position is part of the snapshot (state.py).

Limits, none of which is a gap: lines that copytruncate destroys between its copy and its cut; lines
that a worker writes to a renamed file that was quiet for a minute (late.py), or after the log was
rotated once more; rotated files before the first line was ever counted, or deleted before their
turn while an older one that was read is still there. A rotated file that exists
but cannot be read holds the reader up (`readable` is False) rather than being skipped.
"""

import os
import stat
import time
from dataclasses import replace
from gzip import GzipFile
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from pygtail import Pygtail

from nginxlog_exporter import place, rotation
from nginxlog_exporter.late import LeftFile
from nginxlog_exporter.lines import end_of_lines, read_lines
from nginxlog_exporter.place import LogFile, Position
from nginxlog_exporter.rotation import Following

# nginx's workers go on writing to the renamed file until each has reopened its log.
QUIET_SECONDS = 1.0

RENAME, TRUNCATE, REPLACE = ROTATIONS = ("rename", "truncate", "replace")
LOST, TRUNCATED, DAMAGED = GAPS = ("lost", "truncated", "damaged")


class Block(NamedTuple):
    """What one read gave: complete lines, and the place after them."""

    lines: bytes
    position: Position
    # Bytes read, those of skipped lines included.
    size: int = 0
    # Lines longer than a block, which are skipped.
    too_long: int = 0
    # How the file was rotated or lines were lost before this block, if so.
    rotation: str | None = None
    gap: str | None = None
    # Bytes known to be lost in the gap; 0 if nothing is known.
    lost_bytes: int = 0


class Tail(Pygtail):  # type: ignore[misc]  # pygtail ships no types
    """Reads one log from a position on; without one, from its beginning or (`from_end`) its end.

    `complete`: nobody writes to the file any more, so its last line needs no newline.
    """

    def __init__(
        self,
        path: Path,
        position: Position | None = None,
        *,
        from_end: bool = False,
        complete: bool = False,
    ) -> None:
        # The null device: no offset file is read, and none is written.
        super().__init__(str(path), offset_file=os.devnull, save_on_end=False)
        self.path = path
        self.position = position
        self.readable = False
        # The log is not there; it may have been renamed, and be read under its new name.
        self.missing = False
        self._from_end = from_end
        self._complete = complete
        self._was_cut = False
        self._rotation: str | None = None
        self._gap: str | None = None
        self._lost_bytes = 0
        self._left_file = LeftFile(path)

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""
        block: Block | None = None
        self._look_for_it()
        try:
            block = self._late_block() or self._walk()
        except StopIteration:
            pass
        except rotation.DAMAGE:
            block = self._give_up()
        except OSError:
            self._close()
            self.readable = False
        return block

    @property
    def is_lost(self) -> bool:
        """Whether the log is not there, and nothing that it was renamed to is either."""
        return self.missing and self._is_closed()

    def backlog(self) -> int:
        """Return how many bytes wait in the open file and the log, not in rotated ones between."""
        if self.position is None:
            return 0
        try:
            live = self.path.stat().st_size
            if self._is_closed() or self._is_live():
                return max(live - self.position.offset, 0)
            return live + max(os.fstat(self.fh.fileno()).st_size - self.position.offset, 0)
        except OSError:
            return 0

    # Private

    def __del__(self) -> None:
        # pygtail's own opens the file again in order to close it.
        self._close()
        self._left_file.forget()

    def _look_for_it(self) -> None:
        self.missing = False
        try:
            self.readable = stat.S_ISREG(self.path.stat().st_mode) and os.access(self.path, os.R_OK)
        except OSError as error:  # also where the folder may not be entered
            self.readable = False
            self.missing = isinstance(error, FileNotFoundError)
            if self.missing:
                # One that comes later is new from its beginning.
                self._from_end = False

    def _walk(self) -> Block:
        """Return the next block; StopIteration at the end of the last file."""
        while True:
            try:
                block: Block = self.next()
            except StopIteration:
                # pygtail goes on to one more file at a time, and that one may be empty.
                if self._complete or not self._is_over():
                    raise
            else:
                return block

    def _filehandle(self) -> LogFile:
        """Return the open file; called by pygtail too."""
        if self._is_closed():
            file, following = rotation.open_following(self.path, self.position)
            self._note(following)
            if self.position and following.goes_on:
                self.position = place.resume(self.position, file)
            else:
                offset = end_of_lines(file) if self._from_end else 0
                self.position = place.begin(file, offset, following.left)
            self._from_end = False
            self.fh = file
        return self.fh

    def _get_next_line(self) -> Block:
        """Return a block where pygtail returns a line; StopIteration at the end of the file."""
        if self._complete and self.position and self.position.finished:
            raise StopIteration
        while True:
            file = self._filehandle()
            assert self.position is not None  # noqa: S101 - set when the file was opened
            status = os.fstat(file.fileno())
            # To a compressed file nothing is added; what comes after it need not be known yet.
            over = isinstance(file, GzipFile) or self._is_over()
            lines, size, too_long = read_lines(file, self.position.offset, over=over)
            # Looked at after reading, so that nothing can happen to the content in between.
            if self._is_what_was_read(file):
                break
            self._close()
        self.position = place.seen(self.position, file, status)
        if not (size or self._gap):
            raise StopIteration
        self.position = place.advance(self.position, file, size, lines)
        block = Block(
            lines, self.position, size, too_long, self._rotation, self._gap, self._lost_bytes
        )
        self._rotation, self._gap, self._lost_bytes = None, None, 0
        return block

    def _is_new_file(self) -> bool:
        """Tell pygtail whether to close this file, read to its end, and begin the next."""
        if self._complete or not self._is_over():
            return False
        assert self.position is not None  # noqa: S101 - the file is open
        self.position = replace(self.position, finished=True)
        deleted = os.fstat(self.fh.fileno()).st_nlink == 0
        self._rotation = TRUNCATE if self._was_cut else REPLACE if deleted else RENAME
        self._was_cut = False
        self._left_file.watch(self.fh)
        return True

    def _note(self, following: Following) -> None:
        """Remember what the next block tells: how the file changed."""
        self._was_cut = following.was_cut
        if not following.is_gap:
            return
        assert self.position is not None  # noqa: S101 - else nothing can be missing
        self._rotation, self._gap = (TRUNCATE, TRUNCATED) if self._was_cut else (REPLACE, LOST)
        self._lost_bytes = self.position.unread
        self._was_cut = False
        self._left_file.forget()

    def _is_what_was_read(self, file: LogFile) -> bool:
        """Tell whether what was read is the continuation of what was read before."""
        assert self.position is not None  # noqa: S101 - set when the file was opened
        if not isinstance(file, FileIO):
            return True  # known when it was opened; nobody writes to it
        if self.position.offset:
            return place.still_holds(file, self.position)
        status = os.fstat(file.fileno())
        # Lines may have come and gone since the file was seen empty, cut off by copytruncate.
        return status.st_mtime_ns == self.position.modified_ns or status.st_nlink == 0

    def _is_over(self) -> bool:
        """Tell whether the open file gets no more lines and there is another to go on with."""
        if self._complete:
            return True
        if self._is_closed() or self._is_live() or self.position is None:
            return False
        age = time.time() - os.fstat(self.fh.fileno()).st_mtime
        # Not just `age >= ...`: a clock that was set back must not hold the reader up.
        quiet = not -QUIET_SECONDS < age < QUIET_SECONDS
        return quiet and rotation.successor(self.path, self.position) is not None

    def _is_live(self) -> bool:
        status = os.fstat(self.fh.fileno())
        try:
            live = self.path.stat()
        except OSError:
            return False
        return (live.st_dev, live.st_ino) == (status.st_dev, status.st_ino)

    def _late_block(self) -> Block | None:
        """Return what a worker wrote to the renamed file after it was left."""
        position = self.position
        # Between two files the place that was left is not that of the file being watched.
        if position is None or position.left is None or position.finished:
            return None
        late = self._left_file.read(position.left)
        if late is None:
            return None
        self.position = replace(position, left=late.left)
        return Block(late.lines, self.position, late.size, late.too_long)

    def _give_up(self) -> Block:
        """Go on behind a compressed file that cannot be read to its end."""
        assert self.position is not None  # noqa: S101 - the file is open
        self._close()
        self._left_file.forget()
        self.position = replace(self.position, finished=True)
        block = Block(b"", self.position, rotation=self._rotation, gap=DAMAGED)
        self._rotation = None
        return block

    def _close(self) -> None:
        if not self._is_closed():
            self.fh.close()
