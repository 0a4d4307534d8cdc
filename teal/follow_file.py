"""Reading a text file as `tail -F` does, for people; the exporter has its own, exact reader."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

POLL_SECONDS = 0.2


def follow_file(path: Path, *, follow: bool, lines: int) -> Iterator[str]:
    """Yield the last `lines` lines of a file, and with `follow` every line that is added later.

    A file that is missing is waited for; one that was rotated is opened again.
    """
    position, inode = 0, None
    if path.exists():
        with path.open("rb") as file:
            yield from deque(_complete_lines(file), maxlen=lines)
            position, inode = file.tell(), path.stat().st_ino
    while follow:
        time.sleep(POLL_SECONDS)
        if not path.exists():
            continue
        status = path.stat()
        if status.st_ino != inode or status.st_size < position:
            position, inode = 0, status.st_ino
        with path.open("rb") as file:
            file.seek(position)
            yield from _complete_lines(file)
            position = file.tell()


# Private


def _complete_lines(file: BinaryIO) -> Iterator[str]:
    """Yield decoded lines; a last line without its end is left for the next time."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), 1)
            return
        yield line.decode(errors="replace").rstrip("\n")
