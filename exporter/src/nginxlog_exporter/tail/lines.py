"""Complete lines of an open log, in blocks of bounded size. A partial line waits."""

import os
from gzip import GzipFile

from nginxlog_exporter.tail.fingerprint import DAMAGE, LogFile

# Both the longest line and the size of a block. The fastest are those that fit the processor's
# cache together with their rows.
BLOCK_BYTES = 1 << 18


def read_lines(file: LogFile, offset: int, *, over: bool) -> tuple[bytes, int, int]:
    """Return complete lines from the offset on, the bytes they took, how many were too long.

    `over`: nothing will be added to the file, so its last line needs no newline.
    Raises OSError, or one of DAMAGE if nothing more can be had from a compressed file.
    """
    file.seek(offset)
    buffer = memoryview(_BUFFER)[:BLOCK_BYTES]
    length = _read_into(buffer, file)
    end = _BUFFER.rfind(b"\n", 0, length) + 1
    if end:
        return bytes(buffer[:end]), end, 0
    if length == BLOCK_BYTES:
        size = _length_of_line(file, length, over=over)
        return b"", size, 1 if size else 0
    return (bytes(buffer[:length]) + b"\n", length, 0) if length and over else (b"", 0, 0)


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


# Used again and again, because fresh memory costs more than reading into it. Only one thread reads.
_BUFFER = bytearray(BLOCK_BYTES)


def _read_into(buffer: memoryview, file: LogFile) -> int:
    """Fill the buffer, up to the damage if a compressed file is damaged; return the length."""
    if not isinstance(file, GzipFile):
        return file.readinto(buffer) or 0
    length = 0
    try:
        while length < len(buffer) and (part := file.read1(len(buffer) - length)):
            buffer[length : length + len(part)] = part
            length += len(part)
    except DAMAGE:
        if not length:
            raise
    return length


def _length_of_line(file: LogFile, length: int, *, over: bool) -> int:
    """Return how long the line is that has this length so far, 0 if it has no end yet."""
    while data := file.read(BLOCK_BYTES):
        end = data.find(b"\n") + 1
        if end:
            return length + end
        length += len(data)
    return length if over else 0
