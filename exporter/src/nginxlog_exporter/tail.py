"""Step 1 of the path: one log that is rotated, cut and replaced -> one endless source of blocks.

Promise: every complete line comes once, in order, whatever happens to the file; where lines were
lost, or may have been, a gap says so. A missing or unreadable file is no error: `readable` says it
and reading goes on when it is back. Memory is bounded by the size of a block.

pygtail's part is the walk: read on from a place, at the end ask whether there is a newer file,
close, begin that one. What it gets wrong for a daemon is replaced here. Text lines one by one: now
blocks of bytes, a partial line held back. Rotation seen only at start, and by inode: now at every
read, by device, inode and first bytes. One rotated file: now all of them in turn. Live truncation
unseen, and an unterminated last line that stops it for ever: both handled. An offset file written
in place: now the position is part of the snapshot (state.py).
"""

import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

from pygtail import Pygtail

from nginxlog_exporter import rotation
from nginxlog_exporter.lines import end_of_lines, read_lines
from nginxlog_exporter.rotation import LogFile, Position

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
        self._from_end = from_end
        self._complete = complete
        self._was_cut = False
        self._next_path: Path | None = None
        self._rotation: str | None = None
        self._gap: str | None = None

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""
        try:
            block: Block | None = self.next()
        except StopIteration:
            block = None
        except OSError:
            # What was found out on the way there is found out again.
            self._close()
            self._next_path = self._rotation = self._gap = None
            block = None
        except (EOFError, zlib.error):
            self._skip_damaged()
            block = None
        self.readable = os.access(self.path, os.R_OK)
        return block

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

    def _filehandle(self) -> LogFile:
        """Return the open file; called by pygtail too."""
        if self._is_closed():
            path, offset = self._where_to_read()
            file = rotation.open_log(path)
            if self._from_end:
                offset, self._from_end = end_of_lines(file), False
            self.position = rotation.position_at(file, offset, os.fstat(file.fileno()))
            self._next_path = None
            self.fh = file
        return self.fh

    def _get_next_line(self) -> Block:
        """Return a block where pygtail returns a line; StopIteration at the end of the file."""
        file = self._filehandle()
        if not self._is_what_was_read(file):
            self._close()
            file = self._filehandle()
        assert self.position is not None  # noqa: S101 - set when the file was opened
        status = os.fstat(file.fileno())
        lines, size, too_long = read_lines(file, self.position.offset, over=self._is_over())
        if not (size or self._rotation or self._gap):
            raise StopIteration
        self.position = rotation.position_at(file, self.position.offset + size, status)
        block = Block(lines, self.position, size, too_long, self._rotation, self._gap)
        self._rotation = self._gap = None
        return block

    def _is_new_file(self) -> bool:
        """Tell pygtail whether to close this file, read to its end, and begin the next."""
        if self._complete or not self._is_over():
            return False
        assert self.position is not None  # noqa: S101 - the file is open
        self._next_path = rotation.successor(self.path, self.position)
        deleted = os.fstat(self.fh.fileno()).st_nlink == 0
        self._rotation = TRUNCATE if self._was_cut else REPLACE if deleted else RENAME
        self._was_cut = False
        return True

    def _where_to_read(self) -> tuple[Path, int]:
        if self._next_path:
            return self._next_path, 0
        if self.position is None:
            return self.path, 0
        found = rotation.find(self.path, self.position)
        cut = _inode(self.path) == self.position.inode
        if found:
            self._was_cut = cut and found != self.path
            return found, self.position.offset
        self._rotation, self._gap = (TRUNCATE, TRUNCATED) if cut else (REPLACE, LOST)
        return rotation.successor(self.path, self.position) or self.path, 0

    def _is_what_was_read(self, file: LogFile) -> bool:
        assert self.position is not None  # noqa: S101 - set when the file was opened
        return rotation.still_holds(file, self.position, os.fstat(file.fileno()))

    def _is_over(self) -> bool:
        """Tell whether the open file gets no more lines and there is another to go on with."""
        if self._complete:
            return True
        if self._is_live() or self.position is None:
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

    def _skip_damaged(self) -> None:
        """Go on behind a compressed file that cannot be read to its end."""
        self._close()
        self._gap = DAMAGED
        if self.position is not None:
            self._next_path = rotation.successor(self.path, self.position)

    def _close(self) -> None:
        if not self._is_closed():
            self.fh.close()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
