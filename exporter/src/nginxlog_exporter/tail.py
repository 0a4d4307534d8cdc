"""Step 1 of the path: one log that is rotated, cut and replaced -> one endless source of blocks.

Promise: every complete line comes once, whatever happens to the file, and in order but for late
ones; where lines were lost, or may have been, a gap says so, with the bytes known to be lost. A
missing or unreadable file is no error: `readable` says it and reading goes on when it is back.
Memory is bounded by the size of a block.

pygtail's part is the walk: read on from a place, at the end ask whether there is a newer file,
close, begin that one. What it gets wrong for a daemon is replaced here. Text lines one by one: now
blocks of bytes, a partial line held back. Rotation seen only at start, and by inode: now at every
read, by device, inode, first bytes and last bytes read. One rotated file: now all of them in turn.
Live truncation unseen, and an unterminated last line that stops it for ever: both handled. An
offset file written in place: now the position is part of the snapshot (state.py).

A file that comes after the one being read is opened at once (ahead.py), and one that was left is
read on for a while (late.py): nginx's workers reopen their log each in its own time.

Limits, none of which is a gap: lines that copytruncate destroys between its copy and its cut; a
file that came and went between two looks; lines that a worker writes to a renamed file that was
quiet for a minute, unless they are there at the next rotation, not compressed. A rotated file that
exists but cannot be read holds the reader up (`readable` is False) rather than being skipped.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from gzip import GzipFile
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from pygtail import Pygtail

from nginxlog_exporter import late, place, rotation
from nginxlog_exporter.ahead import Ahead
from nginxlog_exporter.late import LateFiles
from nginxlog_exporter.lines import end_of_lines, read_lines
from nginxlog_exporter.place import DAMAGE, MOST_LEFT, Identity, LogFile, Position
from nginxlog_exporter.rotation import Following

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
        self._late = LateFiles(path)
        self._ahead = Ahead(path)
        # The next file, opened already.
        self._taken: LogFile | None = None
        # Device and inode of the log as of the last look, and the time of its folder.
        self._live: Identity | None = None
        self._folder_ns = 0
        self._late_was_last = False

    def begin(self) -> None:
        """Find the first place, if there is none yet, so that it can be kept before all else."""
        with suppress(OSError, *DAMAGE):
            if self.position is None:
                self._filehandle()

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""
        self._look_for_it()
        try:
            self._look_ahead()
            # A file that never ends must not keep the other one waiting.
            for read in self._ways():
                block = read()
                if block:
                    self._late_was_last = read == self._late_block
                    return block
        except DAMAGE:
            return self._give_up()
        except OSError:
            self._let_go()
            self.readable = False
        return None

    @property
    def is_lost(self) -> bool:
        """Whether the log is not there, and nothing that it was renamed to is either."""
        return self.missing and self._is_closed()

    @property
    def is_told(self) -> bool:
        """Whether no block is due that tells what happened to the file."""
        return not (self._rotation or self._gap or self._was_cut)

    def backlog(self) -> int:
        """Return how many bytes wait; of compressed files only the one being read is not known."""
        position = self.position
        if position is None:
            return 0
        try:
            if self._is_closed():
                return max(self.path.stat().st_size - position.offset, 0)
            size = 0 if isinstance(self.fh, GzipFile) else os.fstat(self.fh.fileno()).st_size
            return max(size - position.offset, 0) + self._ahead.size
        except OSError:
            return 0

    # Private

    def __del__(self) -> None:
        # pygtail's own opens the file again in order to close it.
        with suppress(AttributeError):  # a constructor that raised
            self._close()
            self._late.forget()
            self._ahead.forget()

    def _look_for_it(self) -> None:
        self.missing = False
        self._live = None
        try:
            status = self.path.stat()
            self._live = status.st_dev, status.st_ino
            self.readable = stat.S_ISREG(status.st_mode) and os.access(self.path, os.R_OK)
        except OSError as error:  # also where the folder may not be entered
            self.readable = False
            self.missing = isinstance(error, FileNotFoundError)
            if self.missing:
                # One that comes later is new from its beginning.
                self._from_end = False

    def _look_ahead(self) -> None:
        """See the files that have come since, before anybody can delete them."""
        if self._is_closed() or self._complete or self.position is None:
            return
        if self._live in (self._ahead.last or self.position.identity, None):
            folder_ns = self.path.parent.stat().st_mtime_ns
            if self._live or folder_ns == self._folder_ns:
                return
            self._folder_ns = folder_ns
        self._see()

    def _see(self) -> None:
        assert self.position is not None  # noqa: S101 - a file is open
        position = self.position
        if not position.head_length:
            # It was empty; by what it holds now a compressed copy of it is known.
            now = place.begin(self.fh)
            position = replace(
                position, head_length=now.head_length, head_digest=now.head_digest, size=now.size
            )
        position = replace(position, left=self._late.known_by(position.left))
        lost = self._ahead.see(position, self._late.opened | {position.identity})
        if lost.files:
            self._gap, self._lost_bytes = LOST, self._lost_bytes + lost.size
        left = self._late.look_again(self.position.left)
        self.position = replace(self.position, left=left, ahead=self._ahead.positions)

    def _ways(self) -> list[Callable[[], Block | None]]:
        ways = [self._late_block, self._walk]
        return ways[::-1] if self._late_was_last else ways

    def _walk(self) -> Block | None:
        """Return the next block, None at the end of the last file."""
        while True:
            try:
                block: Block = self.next()
            except StopIteration:
                # pygtail goes on to one more file at a time, and that one may be empty.
                if self._complete or not self._is_over():
                    return None
            else:
                return block

    def _filehandle(self) -> LogFile:
        """Return the open file; called by pygtail too."""
        if self._taken:
            self.fh, self._taken = self._taken, None
        if self._is_closed():
            if self.position:
                left = self._late.known_by(self.position.left)
                self.position = replace(self.position, left=left)
            file, following = rotation.open_following(self.path, self.position)
            self._note(following)
            if self.position and following.goes_on:
                self.position = place.resume(self.position, file)
            else:
                self.position = self._begun(file)
            self._from_end = False
            self.fh = file
            if not self._complete:
                self._see()
        return self.fh

    def _begun(self, file: LogFile) -> Position:
        """Return the beginning of a file that was found, not taken from those ahead."""
        position = place.begin(file, end_of_lines(file) if self._from_end else 0)
        before = self.position
        if before is None:
            left = () if self._complete else _read_by_others(self.path)
            return replace(position, left=left)
        left = before.to_leave(finished=True) if before.finished else before.left
        return replace(position, left=left, ahead=before.ahead)

    def _get_next_line(self) -> Block:
        """Return a block where pygtail returns a line; StopIteration at the end of the file."""
        if self._complete and self.position and self.position.finished:
            raise StopIteration
        while True:
            file = self._filehandle()
            assert self.position is not None  # noqa: S101 - set when the file was opened
            status = os.fstat(file.fileno())
            # To a compressed file nothing is added; what comes after it need not be known yet.
            over = isinstance(file, GzipFile) or self._is_finished(status)
            lines, size, too_long = read_lines(file, self.position.offset, over=over)
            # Looked at after reading, so that nothing can happen to the content in between.
            if self._is_what_was_read(file):
                break
            self._close()
        self.position = place.seen(self.position, file, status)
        if not (size or self._gap):
            raise StopIteration
        self.position = place.advance(self.position, file, size, lines)
        return self._told(Block(lines, self.position, size, too_long))

    def _told(self, block: Block) -> Block:
        """Return the block with what happened to the file before it."""
        told = block._replace(rotation=self._rotation, gap=self._gap, lost_bytes=self._lost_bytes)
        self._rotation, self._gap, self._lost_bytes = None, None, 0
        return told

    def _is_new_file(self) -> bool:
        """Tell pygtail whether to close this file, read to its end, and begin the next."""
        if self._complete or not self._is_over():
            return False
        before = self.position
        assert before is not None  # noqa: S101 - the file is open
        try:
            self._taken, position = self._ahead.take()
        except FileNotFoundError:
            self._see()
            return False
        left = before.to_leave(finished=isinstance(self.fh, GzipFile))
        self.position = replace(position, left=left, ahead=self._ahead.positions)
        deleted = os.fstat(self.fh.fileno()).st_nlink == 0
        self._rotation = TRUNCATE if self._was_cut else REPLACE if deleted else RENAME
        self._was_cut = False
        self._late.watch(self.fh, before)
        return True

    def _note(self, following: Following) -> None:
        """Remember what the next block tells: how the file changed."""
        self._was_cut = following.was_cut
        if not following.is_gap:
            return
        assert self.position is not None  # noqa: S101 - else nothing can be missing
        self._rotation, self._gap = (TRUNCATE, TRUNCATED) if self._was_cut else (REPLACE, LOST)
        self._lost_bytes += self.position.unread
        self._was_cut = False

    def _is_what_was_read(self, file: LogFile) -> bool:
        """Tell whether what was read is the continuation of what was read before."""
        assert self.position is not None  # noqa: S101 - set when the file was opened
        if not isinstance(file, FileIO):
            return True  # known when it was opened; nobody writes to it
        if self.position.head_length:
            return place.still_holds(file, self.position)
        status = os.fstat(file.fileno())
        # Lines may have come and gone since the file was seen empty, cut off by copytruncate.
        return status.st_mtime_ns == self.position.modified_ns or status.st_nlink == 0

    def _is_over(self) -> bool:
        """Tell whether there is another file to go on with."""
        if self._complete:
            return True
        return not self._is_closed() and bool(self._ahead)

    def _is_finished(self, status: os.stat_result) -> bool:
        """Tell whether the open file gets no more lines, so that its last one needs no newline."""
        return self._complete or (self._is_over() and late.is_quiet(status, late.QUIET_SECONDS))

    def _late_block(self) -> Block | None:
        """Return what a worker wrote to a renamed file after it was left."""
        position = self.position
        if position is None or self._complete:
            return None
        found = self._late.read(position, self._live)
        if found is None:
            return None
        self.position = replace(position, left=found.left)
        if found.is_gap:
            self._gap, self._lost_bytes = LOST, self._lost_bytes + found.lost_bytes
            return self._told(Block(b"", self.position))
        if not found.size:
            return None
        return Block(found.lines, self.position, found.size, found.too_long)

    def _give_up(self) -> Block:
        """Go on behind a compressed file that cannot be read to its end."""
        assert self.position is not None  # noqa: S101 - the file is open
        self._close()
        self._gap = DAMAGED
        self.position = replace(self.position, finished=True)
        return self._told(Block(b"", self.position))

    def _let_go(self) -> None:
        """Close a file that cannot be read just now; it is found again, if it has a name."""
        if not self._is_closed() and os.fstat(self.fh.fileno()).st_nlink:
            self._close()

    def _close(self) -> None:
        if not self._is_closed():
            self.fh.close()


def _read_by_others(log: Path) -> tuple[Position, ...]:
    """Return the ends of the newest rotated files as of the first start: they are not ours."""
    ends = []
    for path in rotation.rotated(log)[-MOST_LEFT:]:
        with suppress(OSError, *DAMAGE), rotation.open_log(path) as file:
            offset = end_of_lines(file) if isinstance(file, FileIO) else 0
            ends.append(replace(place.begin(file, offset), finished=True))
    return tuple(ends)
