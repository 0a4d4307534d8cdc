"""A place in a log file, and enough to know the file again wherever it has gone.

A file is known by device, inode, its first bytes and the last bytes before the place. The inode
alone is not enough (it is used again for a new file), the first bytes alone are not either (a young
file has few, and two files may begin alike).
"""

import os
import zlib
from dataclasses import dataclass, fields, replace
from gzip import BadGzipFile, GzipFile
from hashlib import blake2b
from io import FileIO
from typing import Any

HEAD_BYTES = MARK_BYTES = 1024
# How many files are remembered that were read before the one of a position.
MOST_LEFT = 16

LogFile = FileIO | GzipFile
# Device and inode.
Identity = tuple[int, int]
# What reading a compressed file that is cut off or overwritten raises.
DAMAGE = (EOFError, zlib.error, BadGzipFile)


@dataclass(frozen=True, kw_only=True)
class Position:
    """A place in a file, always at its beginning or after a line."""

    device: int
    inode: int
    # Of the first `head_length` bytes that were seen.
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
    # Nothing more is expected from this file.
    finished: bool = False
    # The places in the files before this one, the newest last: none of them is to be read again. To
    # those that are not finished a slow worker may still write.
    left: tuple["Position", ...] = ()
    # The files that were seen behind this one, in their order, none of them begun.
    ahead: tuple["Position", ...] = ()

    @property
    def identity(self) -> Identity:
        """Device and inode, by which an open file is known."""
        return self.device, self.inode

    @property
    def unread(self) -> int:
        """How many bytes behind the place there were when the file was last looked at."""
        return max(self.size - self.offset, 0)

    def to_leave(self, *, finished: bool) -> tuple["Position", ...]:
        """Return what the position in the next file has as `left`."""
        own = replace(self, left=(), ahead=(), finished=finished)
        return (*self.left, own)[-MOST_LEFT:]

    def to_state(self) -> dict[str, Any]:
        """Return the position as JSON values."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in _LISTS:
            state[name] = [one.to_state() for one in state[name]]
            if not state[name]:
                del state[name]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Position":
        """Return what `to_state` was called on, also of other versions.

        Raises KeyError, TypeError or ValueError.
        """
        left, ahead = state.get("left") or (), state.get("ahead") or ()
        if isinstance(left, dict):  # as version 1.0.0 wrote it: one, which may have one in turn
            left = [*([left["left"]] if left.get("left") else []), {**left, "left": None}]
        known = {field.name for field in fields(cls)} - {*_LISTS, "finished"}
        values: dict[str, Any] = {
            name: str(value) if name.endswith("_digest") else int(value)
            for name, value in state.items()
            if name in known
        }
        return cls(
            **values,
            finished=bool(state.get("finished", False)),
            left=tuple(map(cls.from_state, left)),
            ahead=tuple(map(cls.from_state, ahead)),
        )


def begin(file: LogFile, offset: int = 0) -> Position:
    """Return the position in a file that was just opened."""
    status = os.fstat(file.fileno())
    length, digest = _head(file)
    return replace(
        at_a_glance(status),
        head_length=length,
        head_digest=digest,
        offset=offset,
        size=_size(file, status),
    )


def at_a_glance(status: os.stat_result) -> Position:
    """Return the beginning of a file that is not opened: it has no head to be known by."""
    return Position(
        device=status.st_dev,
        inode=status.st_ino,
        head_length=0,
        head_digest=_hash(b""),
        offset=0,
        modified_ns=status.st_mtime_ns,
        size=status.st_size,
    )


def resume(position: Position, file: LogFile) -> Position:
    """Return the same place in the same content, which another file may hold by now."""
    status = os.fstat(file.fileno())
    return replace(seen(position, file, status), device=status.st_dev, inode=status.st_ino)


def seen(position: Position, file: LogFile, status: os.stat_result) -> Position:
    """Return the same place after a look at the file."""
    size = _size(file, status)
    if (position.modified_ns, position.size) == (status.st_mtime_ns, size):
        return position
    return replace(position, modified_ns=status.st_mtime_ns, size=size)


def advance(position: Position, file: LogFile, size: int, data: bytes) -> Position:
    """Return the place `size` bytes further; `data` are these bytes, or nothing if skipped."""
    offset = position.offset + size
    mark = data[:size][-MARK_BYTES:]
    length, digest = position.head_length, position.head_digest
    if min(offset, HEAD_BYTES) > length:
        length = min(offset, HEAD_BYTES)
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


NOWHERE = Position(device=0, inode=0, head_length=0, head_digest="", offset=0, modified_ns=0)


# Private

_LISTS = ("left", "ahead")


def _size(file: LogFile, status: os.stat_result) -> int:
    return status.st_size if isinstance(file, FileIO) else 0


def _head(file: LogFile) -> tuple[int, str]:
    file.seek(0)
    try:
        head = file.read(HEAD_BYTES)
    except DAMAGE:  # is told when the file is read
        head = b""
    return len(head), _hash(head)


def _digest(file: LogFile, start: int, length: int) -> str:
    if not length:  # so that nothing raises when a file is begun
        return _hash(b"")
    file.seek(start)
    return _hash(file.read(length))


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
