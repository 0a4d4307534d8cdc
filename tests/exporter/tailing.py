"""A tail made ready for a test: what came out of it, restarts, and files as nginx leaves them."""

import os
from pathlib import Path

from loglines import numbered

from nginxlog_exporter.tail.block import Block
from nginxlog_exporter.tail.tailer import Tailer

A, B, C, D, E = (b"".join(numbered(3, first=first)) for first in (0, 10, 20, 30, 40))


class Reader:
    """A tail, what came out of it, and a way to kill and restart it."""

    def __init__(self, path: Path) -> None:
        self.tail = Tailer(path)
        self.blocks: list[Block] = []

    def read(self) -> bytes:
        """Return the lines that are new."""
        new = list(iter(self.tail.read, None))
        self.blocks += new
        return b"".join(block.lines for block in new)

    def restart(self) -> None:
        """Begin again where the last block ended, as after a kill."""
        self.tail = Tailer(self.tail.path, self.blocks[-1].checkpoint if self.blocks else None)

    @property
    def rotations(self) -> list[str]:
        """The kinds of rotation seen."""
        return [block.rotation for block in self.blocks if block.rotation]

    @property
    def gaps(self) -> list[str]:
        """The reasons of gaps told."""
        return [block.gap for block in self.blocks if block.gap]

    @property
    def lost_bytes(self) -> int:
        """How many bytes are known to be lost."""
        return sum(block.lost_bytes for block in self.blocks)


def append(path: Path, data: bytes) -> None:
    """Write as nginx does."""
    with path.open("ab") as file:
        file.write(data)


def age(path: Path, seconds: float) -> None:
    """Make a file look as old as that."""
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))
