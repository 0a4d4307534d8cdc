"""The files that come after the one being read: seen as soon as they are there, and held open.

Whoever deletes a log that was not begun yet takes nothing from a reader who has it open. A backlog
of many rotated files is listed once and then taken one by one, not searched for again at each.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter import place, rotation
from nginxlog_exporter.place import Identity, LogFile, Position

# So many of the next files are held open, and the log.
MOST_OPEN = 16
# Some compressors and file systems keep times to the second only.
_TIME_STEP_NS = 2 * 10**9


class Lost(NamedTuple):
    """Files that were seen and are gone before they were begun, and their bytes, if known."""

    files: int = 0
    size: int = 0


@dataclass
class _Waiting:
    """A file that waits; its position is its beginning."""

    path: Path
    position: Position
    file: LogFile | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has the content that was seen; to be asked of an open file."""
        return self.file is None or place.still_holds(self.file, self.position)

    def open(self) -> None:
        """Hold it open. Raises OSError, also if its name means another file by now."""
        if self.file:
            return
        file = rotation.open_log(self.path)
        position = place.begin(file)
        if position.identity != self.position.identity:
            file.close()
            raise FileNotFoundError(self.path)
        self.file, self.position = file, position

    def close(self) -> None:
        """Let go of it."""
        if self.file:
            self.file.close()
            self.file = None


class Ahead:
    """The files behind a position, in their order."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._waiting: list[_Waiting] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def last(self) -> Identity | None:
        """Device and inode of the last, None if there is none."""
        return self._waiting[-1].position.identity if self._waiting else None

    @property
    def positions(self) -> tuple[Position, ...]:
        """The beginnings of those that are held open, to know them again after a kill."""
        return tuple(one.position for one in self._waiting if one.file)

    @property
    def size(self) -> int:
        """Their bytes, as of the last look; compressed ones not counted."""
        return sum(
            max(one.position.size, os.fstat(one.file.fileno()).st_size if one.file else 0)
            for one in self._waiting
            if one.path.suffix != ".gz"
        )

    def see(self, position: Position, opened: frozenset[Identity]) -> Lost:
        """Look for all that comes after this position. Raises OSError.

        Returns what was seen before, here or before a kill, and is there no more. `opened`: the
        files that are being read.
        """
        found = rotation.steadily(
            self._log,
            lambda: [
                _Waiting(path, place.at_a_glance(path.stat()))
                for path in rotation.later(self._log, position, opened=opened)
            ],
        )
        known = []
        for one in self._waiting:
            if one.position.identity in opened:
                one.close()
            else:
                # It may have been empty when it was seen first.
                known.append(_renewed(one, one) if one.is_whole else one)
        known = known or [
            _Waiting(self._log, one) for one in position.ahead if one.identity not in opened
        ]
        lost = self._recognise(known, found)
        kept = {one.position.identity: one for one in known if one.file}
        merged: list[_Waiting] = []
        for one in known:
            here = [new.position.identity for new in found]
            if one.position.identity in here:
                upto = here.index(one.position.identity) + 1
                merged, found = merged + found[:upto], found[upto:]
            elif one.file:
                merged.append(one)
        merged += found
        self._waiting = [_renewed(one, kept.get(one.position.identity)) for one in merged]
        for one in (*self._waiting[:MOST_OPEN], *self._waiting[-1:]):
            with suppress(OSError):  # is told when its turn comes
                one.open()
        return lost

    def take(self) -> tuple[LogFile, Position]:
        """Return the next file and its beginning.

        Raises OSError if it cannot be read just now; FileNotFoundError if it is another by now, so
        that all have to be seen again.
        """
        self._waiting[0].open()
        taken = self._waiting.pop(0)
        assert taken.file is not None  # noqa: S101 - it was opened
        for one in self._waiting[:MOST_OPEN]:
            with suppress(OSError):
                one.open()
        return taken.file, taken.position

    def forget(self) -> None:
        """Let go of them all."""
        for one in self._waiting:
            one.close()
        self._waiting = []

    # Private

    @staticmethod
    def _recognise(known: Iterable[_Waiting], found: list[_Waiting]) -> Lost:
        """Find out where known files have gone; their copies are no files of their own."""
        files = size = 0
        names = {one.position.identity for one in known}
        for one in known:
            same = [new for new in found if new.position.identity == one.position.identity]
            if same and one.file is None:
                with suppress(OSError):
                    same[0].open()
            if same and one.is_whole and _holds(same[0], one.position):
                continue
            copies = [
                new
                for new in found
                if new.position.identity not in names and _is_copy(new, one.position)
            ]
            if one.file and one.is_whole:
                # Deleted, and here all the same.
                if copies:
                    found.remove(copies[0])
            elif not copies and one.position.size:
                files, size = files + 1, size + one.position.size
        return Lost(files, size)


# Private


def _renewed(one: _Waiting, kept: _Waiting | None) -> _Waiting:
    """Return a file as it is now, by the descriptor that is there already."""
    if kept is None or kept.file is None:
        return one
    if kept is not one:
        one.close()
    # Its content may have grown since, or be another.
    return _Waiting(one.path, place.begin(kept.file), kept.file)


def _holds(new: _Waiting, position: Position) -> bool:
    return new.file is None or place.still_holds(new.file, position)


def _is_copy(new: _Waiting, position: Position) -> bool:
    if position.head_length:
        return rotation.is_copy(new.path, position)
    # It was seen from afar only: its time has to do.
    moved = abs(new.position.modified_ns - position.modified_ns)
    return new.path.suffix == ".gz" and moved <= _TIME_STEP_NS
