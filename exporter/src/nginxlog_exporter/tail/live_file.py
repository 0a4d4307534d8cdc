"""The file that has the log's name just now: whether it is there, and which file it is."""

import os
import stat
from pathlib import Path

from nginxlog_exporter.tail.checkpoint import Identity


class LiveFile:
    """As of the last look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # A regular file that may be read.
        self.readable = False
        # There is none; it may have been renamed, and be read under its new name.
        self.missing = False
        # Device and inode, None if there is none or its folder may not be entered.
        self.identity: Identity | None = None

    def look(self) -> None:
        """Look at the file. Never raises."""
        self.missing = False
        self.identity = None
        try:
            status = self.path.stat()
            self.identity = status.st_dev, status.st_ino
            self.readable = stat.S_ISREG(status.st_mode) and os.access(self.path, os.R_OK)
        except OSError as error:  # also where the folder may not be entered
            self.readable = False
            self.missing = isinstance(error, FileNotFoundError)
