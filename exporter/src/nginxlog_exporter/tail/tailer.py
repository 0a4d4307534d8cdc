"""One log that is rotated, cut and replaced -> one endless source of blocks.

Promise: every complete line comes once, whatever happens to the file, and in order, except for late
lines. Where lines were or may have been lost, a gap says so, with the bytes known to be lost. A
missing or unreadable file is no error: `readable` says so, and reading goes on when it is back.
Memory is bounded by the size of a block.

pygtail's part is the walk: read on from an offset, at the end ask whether there is a newer file,
close, begin that one. What it gets wrong for a daemon is replaced here:

- text, line by line: here blocks of bytes, a partial line held back
- rotation seen only at start, and by inode: here at every read, by inode and fingerprint
- one rotated file: here all of them in turn
- live truncation unseen, and an unterminated last line that stops it for ever: both handled
- an offset file written in place: here the checkpoint is part of the snapshot

A file that comes after the one being read is opened at once (upcoming.py). One that was left is
drained for a while (draining.py): nginx's workers reopen their log each in its own time.

Limits, none of which is a gap: lines that copytruncate destroys between its copy and its cut; a
file that came and went between two looks; lines that a worker writes to a renamed file that was
quiet for a minute, unless they are there at the next rotation, not compressed. A rotated file that
exists but cannot be read holds the tailer up (`readable` is False) rather than being skipped.
"""

import os
from contextlib import suppress
from dataclasses import replace
from gzip import GzipFile
from pathlib import Path

from pygtail import Pygtail

from nginxlog_exporter.tail import draining, rotation
from nginxlog_exporter.tail.block import DAMAGED, LOST, RENAME, REPLACE, Block, PendingEvents
from nginxlog_exporter.tail.checkpoint import Checkpoint
from nginxlog_exporter.tail.draining import DrainingFiles
from nginxlog_exporter.tail.fingerprint import DAMAGE, LogFile
from nginxlog_exporter.tail.lines import end_of_lines, read_lines
from nginxlog_exporter.tail.live_file import LiveFile
from nginxlog_exporter.tail.upcoming import UpcomingFiles


class Tailer(Pygtail):  # type: ignore[misc]  # pygtail ships no types
    """Reads one log from a checkpoint on; without one, from its beginning or (`from_end`) its end.

    `complete`: nobody writes to the file any more, so its last line needs no newline.
    """

    def __init__(
        self,
        path: Path,
        checkpoint: Checkpoint | None = None,
        *,
        from_end: bool = False,
        complete: bool = False,
    ) -> None:
        # The null device: no offset file is read, and none is written.
        super().__init__(str(path), offset_file=os.devnull, save_on_end=False)
        self.path = path
        self.checkpoint = checkpoint
        self._from_end = from_end
        self._complete = complete
        self._live = LiveFile(path)
        self._pending = PendingEvents()
        self._draining = DrainingFiles(path)
        self._drained_last = False
        self._upcoming = UpcomingFiles(path)
        # The next file, opened already.
        self._taken: LogFile | None = None
        # When the log's folder was last written, as of the last look.
        self._folder_ns = 0

    @property
    def readable(self) -> bool:
        """Whether the log may be read just now."""
        return self._live.readable

    @property
    def missing(self) -> bool:
        """Whether the log is not there. It may be read under a new name."""
        return self._live.missing

    def begin(self) -> None:
        """Find the first checkpoint if there is none, so that it can be kept before all else."""
        with suppress(OSError, *DAMAGE):
            if self.checkpoint is None:
                self._filehandle()

    def read(self) -> Block | None:
        """Return the next block, None if there is nothing new."""
        self._look()
        try:
            self._look_ahead()
            sources = [self._drained_block, self._walk]
            # A file that never ends must not keep the other one waiting.
            for read in reversed(sources) if self._drained_last else sources:
                block = read()
                if block:
                    self._drained_last = read == self._drained_block
                    return block
        except DAMAGE:
            return self._give_up()
        except OSError:
            self._let_go()
            self._live.readable = False
        return None

    @property
    def is_lost(self) -> bool:
        """Whether the log is not there, and nothing that it was renamed to is either."""
        return self.missing and self._is_closed()

    @property
    def has_pending(self) -> bool:
        """Whether a block is due that reports what happened to the file."""
        return not self._pending.is_empty

    def backlog(self) -> int:
        """Return how many bytes wait; of compressed files only the one being read is not known."""
        if self.checkpoint is None:
            return 0
        offset = self.checkpoint.offset
        try:
            if self._is_closed():
                return max(self.path.stat().st_size - offset, 0)
            size = 0 if isinstance(self.fh, GzipFile) else os.fstat(self.fh.fileno()).st_size
            return max(size - offset, 0) + self._upcoming.size
        except OSError:
            return 0

    # Private

    def __del__(self) -> None:
        # pygtail's own opens the file again in order to close it.
        with suppress(AttributeError):  # a constructor that raised
            self._close()
            self._draining.forget()
            self._upcoming.forget()

    def _look(self) -> None:
        self._live.look()
        if self._live.missing:
            # One that comes later is new from its beginning.
            self._from_end = False

    def _look_ahead(self) -> None:
        """See the files that have come since, before anybody can delete them."""
        if self._is_closed() or self._complete or self.checkpoint is None:
            return
        live = self._live.identity
        if live in (self._upcoming.last or self.checkpoint.identity, None):
            folder_ns = self.path.parent.stat().st_mtime_ns
            if live or folder_ns == self._folder_ns:
                return
            self._folder_ns = folder_ns
        self._see()

    def _see(self) -> None:
        assert self.checkpoint is not None  # noqa: S101 - a file is open
        checkpoint = self.checkpoint
        if not checkpoint.head_length:
            # It was empty; by what it holds now a compressed copy of it is known.
            now = Checkpoint.begin(self.fh)
            checkpoint = replace(
                checkpoint, head_length=now.head_length, head_digest=now.head_digest, size=now.size
            )
        checkpoint = replace(checkpoint, left=self._draining.with_heads(checkpoint.left))
        lost = self._upcoming.see(checkpoint, self._draining.opened | {checkpoint.identity})
        if lost.files:
            self._pending.lose(LOST, lost.size)
        left = self._draining.reopened(self.checkpoint.left)
        self.checkpoint = replace(self.checkpoint, left=left, ahead=self._upcoming.checkpoints)

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
            if self.checkpoint:
                left = self._draining.with_heads(self.checkpoint.left)
                self.checkpoint = replace(self.checkpoint, left=left)
            file, following = rotation.open_following(self.path, self.checkpoint)
            self._pending.found_again(following, self.checkpoint)
            if self.checkpoint and following.goes_on:
                self.checkpoint = self.checkpoint.resume(file)
            else:
                self.checkpoint = self._begun(file)
            self._from_end = False
            self.fh = file
            if not self._complete:
                self._see()
        return self.fh

    def _begun(self, file: LogFile) -> Checkpoint:
        """Return the beginning of a file that was found, not taken from those ahead."""
        checkpoint = Checkpoint.begin(file, end_of_lines(file) if self._from_end else 0)
        before = self.checkpoint
        if before is None:
            left = () if self._complete else rotation.ends_of_rotated(self.path)
            return replace(checkpoint, left=left)
        left = before.leave(finished=True) if before.finished else before.left
        return replace(checkpoint, left=left, ahead=before.ahead)

    def _get_next_line(self) -> Block:
        """Return a block where pygtail returns a line; StopIteration at the end of the file."""
        if self._complete and self.checkpoint and self.checkpoint.finished:
            raise StopIteration
        while True:
            file = self._filehandle()
            assert self.checkpoint is not None  # noqa: S101 - set when the file was opened
            status = os.fstat(file.fileno())
            # To a compressed file nothing is added; what comes after it need not be known yet.
            over = isinstance(file, GzipFile) or self._is_finished(status)
            lines, size, too_long = read_lines(file, self.checkpoint.offset, over=over)
            # Looked at after reading, so that nothing can happen to the content in between.
            if self.checkpoint.is_continued_in(file):
                break
            self._close()
        self.checkpoint = self.checkpoint.seen(file, status)
        if not (size or self._pending.has_gap):
            raise StopIteration
        self.checkpoint = self.checkpoint.advance(file, size, lines)
        return self._pending.report(Block(lines, self.checkpoint, size, too_long))

    def _is_new_file(self) -> bool:
        """Tell pygtail whether to close this file, read to its end, and begin the next."""
        if self._complete or not self._is_over():
            return False
        before = self.checkpoint
        assert before is not None  # noqa: S101 - the file is open
        try:
            self._taken, checkpoint = self._upcoming.take()
        except FileNotFoundError:
            self._see()
            return False
        left = before.leave(finished=isinstance(self.fh, GzipFile))
        self.checkpoint = replace(checkpoint, left=left, ahead=self._upcoming.checkpoints)
        deleted = os.fstat(self.fh.fileno()).st_nlink == 0
        self._pending.rotate(REPLACE if deleted else RENAME)
        self._draining.add(self.fh, before)
        return True

    def _is_over(self) -> bool:
        """Tell whether there is another file to go on with."""
        return self._complete or (not self._is_closed() and bool(self._upcoming))

    def _is_finished(self, status: os.stat_result) -> bool:
        """Tell whether the open file gets no more lines, so that its last one needs no newline."""
        return self._complete or (
            self._is_over() and draining.is_quiet(status, draining.QUIET_SECONDS)
        )

    def _drained_block(self) -> Block | None:
        """Return what a worker wrote to a renamed file after it was left."""
        checkpoint = self.checkpoint
        if checkpoint is None or self._complete:
            return None
        found = self._draining.read(checkpoint, self._live.identity)
        if found is None:
            return None
        self.checkpoint = replace(checkpoint, left=found.left)
        if found.is_gap:
            self._pending.lose(LOST, found.lost_bytes)
            return self._pending.report(Block(b"", self.checkpoint))
        if not found.size:
            return None
        return Block(found.lines, self.checkpoint, found.size, found.too_long)

    def _give_up(self) -> Block:
        """Go on behind a compressed file that cannot be read to its end."""
        assert self.checkpoint is not None  # noqa: S101 - the file is open
        self._close()
        self._pending.lose(DAMAGED)
        self.checkpoint = replace(self.checkpoint, finished=True)
        return self._pending.report(Block(b"", self.checkpoint))

    def _let_go(self) -> None:
        """Close a file that cannot be read just now; it is found again, if it has a name."""
        if not self._is_closed() and os.fstat(self.fh.fileno()).st_nlink:
            self._close()

    def _close(self) -> None:
        if not self._is_closed():
            self.fh.close()
