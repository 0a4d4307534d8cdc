"""The file that was rotated away, while a slow nginx worker may still write to it.

Every worker reopens its log in its own time. One that is held up goes on writing to the renamed
file after all others have changed, and these late lines count as well.
"""

import os
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from nginxlog_exporter import place, rotation
from nginxlog_exporter.lines import read_lines
from nginxlog_exporter.place import LogFile, Position

# A file is watched for that long after its last line.
LATE_SECONDS = 60.0


class LateLines(NamedTuple):
    """Complete lines of the file that was left, and the place after them."""

    lines: bytes
    left: Position
    size: int
    too_long: int


class LeftFile:
    """Watches the file that was left; after a restart it is looked for first."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file: LogFile | None = None
        self._is_watched = True

    def watch(self, file: LogFile) -> None:
        """Watch this open file, and no longer the one before it."""
        self.forget()
        if isinstance(file, FileIO):  # to a compressed one nobody writes
            self._file = FileIO(os.dup(file.fileno()))
            self._is_watched = True

    def forget(self) -> None:
        """Watch no longer."""
        self._is_watched = False
        if self._file:
            self._file.close()
            self._file = None

    def read(self, left: Position) -> LateLines | None:
        """Return what was written behind this place, None if nothing was. Does not raise."""
        if not self._is_watched:
            return None
        with suppress(OSError, *rotation.DAMAGE):
            file = self._file = self._file or self._find(left)
            lines, size, too_long = read_lines(file, left.offset, over=False)
            if size:
                return LateLines(lines, place.advance(left, file, size, lines), size, too_long)
            if abs(time.time() - os.fstat(file.fileno()).st_mtime) < LATE_SECONDS:
                return None
        self.forget()
        return None

    # Private

    def _find(self, left: Position) -> LogFile:
        path = rotation.find(self._log, left)
        if path is None or path == self._log:
            raise FileNotFoundError
        return rotation.open_log(path)
