"""A place in a log file, and enough to know the file again wherever it has gone.

A file is known by device, inode, its first bytes and the last bytes before the place. The inode
alone is not enough (it is used again for a new file), the first bytes alone are not either (a young
file has few, and two files may begin alike).
"""

import os
from dataclasses import asdict, dataclass, replace
from gzip import GzipFile
from hashlib import blake2b
from io import FileIO
from typing import Any

HEAD_BYTES = MARK_BYTES = 1024

LogFile = FileIO | GzipFile


@dataclass(frozen=True, kw_only=True)
class Position:
    """A place in a file, always at its beginning or after a line."""

    device: int
    inode: int
    # Of the first `head_length` bytes, all of them before the offset.
    head_length: int
    head_digest: str
    # In bytes; of the uncompressed content.
    offset: int
    # When the file was last written, and how long it was, as of the last look at it
    # (nanoseconds since the epoch; bytes, 0 if compressed).
    modified_ns: int
    size: int = 0
    # Of the last `mark_length` bytes before the offset.
    mark_length: int = 0
    mark_digest: str = ""
    # Nothing more is to be had from this file: what comes next is in its successor.
    finished: bool = False
    # The place in the file before this one, to which a slow worker may still write. If nothing was
    # read of that, it has the place in the one before it, by which to find what comes next.
    left: "Position | None" = None

    @property
    def unread(self) -> int:
        """How many bytes behind the place there were when the file was last looked at."""
        return max(self.size - self.offset, 0)

    def to_leave(self) -> "Position":
        """Return the place as that of the file before, when the next one is begun."""
        before = None if self.offset else self.left
        return replace(self, left=before if not before or before.offset else before.left)

    def to_state(self) -> dict[str, Any]:
        """Return the position as JSON values."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Position":
        """Return what `to_state` was called on, also of older versions.

        Raises TypeError or ValueError.
        """
        kept = dict(state)
        left = kept.pop("left", None)
        finished = bool(kept.pop("finished", False))
        values: dict[str, Any] = {
            name: str(value) if name.endswith("_digest") else int(value)
            for name, value in kept.items()
        }
        return cls(**values, finished=finished, left=cls.from_state(left) if left else None)


def begin(file: LogFile, offset: int, left: Position | None) -> Position:
    """Return the position in a file that was just opened."""
    status = os.fstat(file.fileno())
    length = min(offset, HEAD_BYTES)
    return Position(
        device=status.st_dev,
        inode=status.st_ino,
        head_length=length,
        head_digest=_digest(file, 0, length),
        offset=offset,
        modified_ns=status.st_mtime_ns,
        size=_size(file, status),
        left=left,
    )


def resume(position: Position, file: LogFile) -> Position:
    """Return the same place in the same content, which another file may hold by now."""
    status = os.fstat(file.fileno())
    return replace(seen(position, file, status), device=status.st_dev, inode=status.st_ino)


def seen(position: Position, file: LogFile, status: os.stat_result) -> Position:
    """Return the same place after a look at the file."""
    return replace(position, modified_ns=status.st_mtime_ns, size=_size(file, status))


def advance(position: Position, file: LogFile, size: int, data: bytes) -> Position:
    """Return the place `size` bytes further; `data` are these bytes, or nothing if skipped."""
    offset = position.offset + size
    mark = data[:size][-MARK_BYTES:]
    length, digest = min(offset, HEAD_BYTES), position.head_digest
    if length > position.head_length:
        digest = _digest(file, 0, length)
    return replace(
        position,
        offset=offset,
        head_length=length,
        head_digest=digest,
        mark_length=len(mark),
        mark_digest=_hash(mark),
    )


def still_holds(file: LogFile, position: Position) -> bool:
    """Tell whether the content up to the position is still what was read. Raises OSError."""
    if isinstance(file, FileIO) and os.fstat(file.fileno()).st_size < position.offset:
        return False
    if _digest(file, 0, position.head_length) != position.head_digest:
        return False
    start = position.offset - position.mark_length
    return (
        not position.mark_length
        or _digest(file, start, position.mark_length) == position.mark_digest
    )


# Private


def _size(file: LogFile, status: os.stat_result) -> int:
    return status.st_size if isinstance(file, FileIO) else 0


def _digest(file: LogFile, start: int, length: int) -> str:
    if not length:  # so that nothing raises when a file is begun
        return _hash(b"")
    file.seek(start)
    return _hash(file.read(length))


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
