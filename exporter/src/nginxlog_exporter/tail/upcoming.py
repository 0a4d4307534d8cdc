"""The files that come after the one being read: seen as soon as they are there, and held open.

A log that is deleted before it was begun is still read: it is open already. A backlog of many
rotated files is listed once and then taken one by one.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter.tail import rotation
from nginxlog_exporter.tail.checkpoint import Checkpoint, Identity
from nginxlog_exporter.tail.fingerprint import LogFile

# So many of the next files are held open, and the log.
MAX_OPEN = 16
# Some compressors and file systems keep times to the second only.
_TIME_STEP_NS = 2 * 10**9


class Lost(NamedTuple):
    """Files that were seen and are gone before they were begun, and their bytes, if known."""

    files: int = 0
    size: int = 0


@dataclass
class _Upcoming:
    """A file that was not begun; its checkpoint is its beginning."""

    path: Path
    checkpoint: Checkpoint
    file: LogFile | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has the content that was seen; to be asked of an open file."""
        return self.file is None or self.checkpoint.matches(self.file)

    def open(self) -> None:
        """Hold it open. Raises OSError, also if its name is another file's by now."""
        if self.file:
            return
        file = rotation.open_log(self.path)
        checkpoint = Checkpoint.begin(file)
        if checkpoint.identity != self.checkpoint.identity:
            file.close()
            raise FileNotFoundError(self.path)
        self.file, self.checkpoint = file, checkpoint

    def close(self) -> None:
        """Close it."""
        if self.file:
            self.file.close()
            self.file = None


class UpcomingFiles:
    """The files after a checkpoint, in their order."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files: list[_Upcoming] = []

    def __bool__(self) -> bool:
        return bool(self._files)

    @property
    def last(self) -> Identity | None:
        """Device and inode of the last, None if there is none."""
        return self._files[-1].checkpoint.identity if self._files else None

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The beginnings of those that are held open, to know them again after a kill."""
        return tuple(one.checkpoint for one in self._files if one.file)

    @property
    def size(self) -> int:
        """Their bytes, as of the last look; compressed ones not counted."""
        return sum(
            max(one.checkpoint.size, os.fstat(one.file.fileno()).st_size if one.file else 0)
            for one in self._files
            if one.path.suffix != ".gz"
        )

    def see(self, checkpoint: Checkpoint, opened: frozenset[Identity]) -> Lost:
        """Look for all that comes after this checkpoint. Raises OSError.

        Returns what was seen before, here or before a kill, and is there no more. `opened`: the
        files that are being read.
        """
        found = rotation.steadily(
            self._log,
            lambda: [
                _Upcoming(path, Checkpoint.of_unopened(path.stat()))
                for path in rotation.later(self._log, checkpoint, opened=opened)
            ],
        )
        known = []
        for one in self._files:
            if one.checkpoint.identity in opened:
                one.close()
            else:
                # It may have been empty when it was seen first.
                known.append(_renewed(one, one) if one.is_whole else one)
        known = known or [
            _Upcoming(self._log, one) for one in checkpoint.ahead if one.identity not in opened
        ]
        lost = self._recognise(known, found)
        kept = {one.checkpoint.identity: one for one in known if one.file}
        merged: list[_Upcoming] = []
        for one in known:
            here = [new.checkpoint.identity for new in found]
            if one.checkpoint.identity in here:
                upto = here.index(one.checkpoint.identity) + 1
                merged, found = merged + found[:upto], found[upto:]
            elif one.file:
                merged.append(one)
        merged += found
        self._files = [_renewed(one, kept.get(one.checkpoint.identity)) for one in merged]
        for one in (*self._files[:MAX_OPEN], *self._files[-1:]):
            with suppress(OSError):  # is reported when its turn comes
                one.open()
        return lost

    def take(self) -> tuple[LogFile, Checkpoint]:
        """Return the next file and its beginning.

        Raises OSError if it cannot be read just now; FileNotFoundError if it is another by
        now: then call `see` again.
        """
        self._files[0].open()
        taken = self._files.pop(0)
        assert taken.file is not None  # noqa: S101 - it was opened
        for one in self._files[:MAX_OPEN]:
            with suppress(OSError):
                one.open()
        return taken.file, taken.checkpoint

    def forget(self) -> None:
        """Close them all."""
        for one in self._files:
            one.close()
        self._files = []

    # Private

    @staticmethod
    def _recognise(known: Iterable[_Upcoming], found: list[_Upcoming]) -> Lost:
        """Find out where known files have gone; their copies are no files of their own."""
        files = size = 0
        names = {one.checkpoint.identity for one in known}
        for one in known:
            same = [new for new in found if new.checkpoint.identity == one.checkpoint.identity]
            if same and one.file is None:
                with suppress(OSError):
                    same[0].open()
            if same and one.is_whole and _holds(same[0], one.checkpoint):
                continue
            copies = [
                new
                for new in found
                if new.checkpoint.identity not in names and _is_copy(new, one.checkpoint)
            ]
            if one.file and one.is_whole:
                # Deleted, and here all the same.
                if copies:
                    found.remove(copies[0])
            elif not copies and one.checkpoint.size:
                files, size = files + 1, size + one.checkpoint.size
        return Lost(files, size)


# Private


def _renewed(one: _Upcoming, kept: _Upcoming | None) -> _Upcoming:
    """Return a file as it is now, by the descriptor that is there already."""
    if kept is None or kept.file is None:
        return one
    if kept is not one:
        one.close()
    # Its content may have grown since, or be another.
    return _Upcoming(one.path, Checkpoint.begin(kept.file), kept.file)


def _holds(new: _Upcoming, checkpoint: Checkpoint) -> bool:
    return new.file is None or checkpoint.matches(new.file)


def _is_copy(new: _Upcoming, checkpoint: Checkpoint) -> bool:
    if checkpoint.head_length:
        return rotation.is_copy(new.path, checkpoint)
    # It was never open: its time has to do.
    moved = abs(new.checkpoint.modified_ns - checkpoint.modified_ns)
    return new.path.suffix == ".gz" and moved <= _TIME_STEP_NS
