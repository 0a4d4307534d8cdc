"""Fingerprints: the content by which a file is known again under any name.

A digest covers the first HEAD_BYTES of a file (its head) or the last MARK_BYTES before an offset
(its mark). Inodes alone do not identify a file: the file system uses them again.
"""

import zlib
from gzip import BadGzipFile, GzipFile
from hashlib import blake2b
from io import FileIO

HEAD_BYTES = MARK_BYTES = 1024

# An open log, unbuffered; compressed or not.
LogFile = FileIO | GzipFile
# What reading a compressed file raises that is cut off or overwritten.
DAMAGE = (EOFError, zlib.error, BadGzipFile)


def fingerprint(data: bytes) -> str:
    """Return the digest of some bytes: 32 hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()


def head(file: LogFile) -> tuple[int, str]:
    """Return the length of the head in bytes, and its fingerprint. Raises OSError."""
    file.seek(0)
    try:
        data = file.read(HEAD_BYTES)
    except DAMAGE:  # is reported when the file is read
        data = b""
    return len(data), fingerprint(data)


def at(file: LogFile, start: int, length: int) -> str:
    """Return the fingerprint of `length` bytes from `start` on. Raises OSError or DAMAGE."""
    if not length:  # so that nothing raises when a file is begun
        return fingerprint(b"")
    file.seek(start)
    return fingerprint(file.read(length))
