"""Complete lines out of an open log, in blocks of bounded size; a partial line has to wait."""

import os
from gzip import GzipFile

from nginxlog_exporter.place import LogFile
from nginxlog_exporter.rotation import DAMAGE

# Both the longest line and the size of a block.
BLOCK_BYTES = 1 << 18


def read_lines(file: LogFile, offset: int, *, over: bool) -> tuple[bytes, int, int]:
    """Return complete lines from the offset on, the bytes they took, how many were too long.

    `over`: nothing will be added to the file, so its last line needs no newline.
    Raises OSError, or one of DAMAGE if nothing more can be had from a compressed file.
    """
    file.seek(offset)
    data = _read(file)
    end = data.rfind(b"\n") + 1
    if end:
        return data[:end], end, 0
    if len(data) == BLOCK_BYTES:
        size = _length_of_line(file, len(data), over=over)
        return b"", size, 1 if size else 0
    return (data + b"\n", len(data), 0) if data and over else (b"", 0, 0)


def end_of_lines(file: LogFile) -> int:
    """Return the offset behind the last complete line."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        start = max(at - BLOCK_BYTES, 0)
        file.seek(start)
        end = file.read(at - start).rfind(b"\n") + 1
        if end:
            return start + end
        at = start
    return 0


# Private


def _read(file: LogFile) -> bytes:
    """Return the bytes of a block; those before the damage if a compressed file is damaged."""
    if not isinstance(file, GzipFile):
        return file.read(BLOCK_BYTES)
    data = b""
    try:
        while len(data) < BLOCK_BYTES and (part := file.read1(BLOCK_BYTES - len(data))):
            data += part
    except DAMAGE:
        if not data:
            raise
    return data


def _length_of_line(file: LogFile, length: int, *, over: bool) -> int:
    """Return how long the line is that has this length so far, 0 if it has no end yet."""
    while data := file.read(BLOCK_BYTES):
        end = data.find(b"\n") + 1
        if end:
            return length + end
        length += len(data)
    return length if over else 0
