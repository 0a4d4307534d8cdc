"""A checkpoint: an offset in a log file, and enough to know the file again wherever it has gone.

A file is known by device, inode, and the fingerprints of its first bytes (head) and of the last
bytes before the offset (mark). The inode alone is not enough (it is used again for a new file), nor
is the head (a young file has few bytes, and two files may begin alike).
"""

import os
from dataclasses import dataclass, fields, replace
from io import FileIO
from typing import Any

from nginxlog_exporter.tail import fingerprint
from nginxlog_exporter.tail.fingerprint import HEAD_BYTES, MARK_BYTES, LogFile

# How many files are remembered that were read before the one of a checkpoint.
MAX_LEFT = 16

# Device and inode.
Identity = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """An offset in a file, always at its beginning or after a line.

    The names of the fields are keys of the snapshot: they do not change.
    """

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
    # Checkpoints in the files before this one, the newest last: none is read again. A slow worker
    # may still write to those that are not finished.
    left: tuple["Checkpoint", ...] = ()
    # The files that were seen after this one, in their order, none of them begun.
    ahead: tuple["Checkpoint", ...] = ()

    @classmethod
    def begin(cls, file: LogFile, offset: int = 0) -> "Checkpoint":
        """Return the checkpoint of a file that was just opened. Raises OSError."""
        status = os.fstat(file.fileno())
        length, digest = fingerprint.head(file)
        return replace(
            cls.of_unopened(status),
            head_length=length,
            head_digest=digest,
            offset=offset,
            size=_size(file, status),
        )

    @classmethod
    def of_unopened(cls, status: os.stat_result) -> "Checkpoint":
        """Return the beginning of a file that is not open: it has no head to be known by."""
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            head_length=0,
            head_digest=fingerprint.fingerprint(b""),
            offset=0,
            modified_ns=status.st_mtime_ns,
            size=status.st_size,
        )

    @property
    def identity(self) -> Identity:
        """Device and inode, by which an open file is known."""
        return self.device, self.inode

    @property
    def unread(self) -> int:
        """Bytes behind the offset when the file was last looked at."""
        return max(self.size - self.offset, 0)

    def resume(self, file: LogFile) -> "Checkpoint":
        """Return the same offset in the same content, which another file may hold by now."""
        status = os.fstat(file.fileno())
        return replace(self.seen(file, status), device=status.st_dev, inode=status.st_ino)

    def seen(self, file: LogFile, status: os.stat_result) -> "Checkpoint":
        """Return the same offset after a look at the file."""
        size = _size(file, status)
        if (self.modified_ns, self.size) == (status.st_mtime_ns, size):
            return self
        return replace(self, modified_ns=status.st_mtime_ns, size=size)

    def advance(self, file: LogFile, size: int, data: bytes) -> "Checkpoint":
        """Return the checkpoint `size` bytes further.

        `data` are these bytes, or nothing if they were skipped.
        """
        offset = self.offset + size
        mark = data[:size][-MARK_BYTES:]
        length, digest = self.head_length, self.head_digest
        if min(offset, HEAD_BYTES) > length:
            length = min(offset, HEAD_BYTES)
            digest = fingerprint.at(file, 0, length)
        return replace(
            self,
            offset=offset,
            head_length=length,
            head_digest=digest,
            mark_length=len(mark),
            mark_digest=fingerprint.fingerprint(mark),
        )

    def matches(self, file: LogFile) -> bool:
        """Tell whether the content up to the offset is what was read. Raises OSError or DAMAGE."""
        if isinstance(file, FileIO) and os.fstat(file.fileno()).st_size < self.offset:
            return False
        if fingerprint.at(file, 0, self.head_length) != self.head_digest:
            return False
        start = self.offset - self.mark_length
        return (
            not self.mark_length
            or fingerprint.at(file, start, self.mark_length) == self.mark_digest
        )

    def is_continued_in(self, file: LogFile) -> bool:
        """Tell whether what was just read from an open file continues what was read before.

        Raises OSError or DAMAGE.
        """
        if not isinstance(file, FileIO):
            return True  # known when it was opened; nobody writes to it
        if self.head_length:
            return self.matches(file)
        status = os.fstat(file.fileno())
        # Lines may have come and gone since the file was seen empty, cut off by copytruncate.
        return status.st_mtime_ns == self.modified_ns or status.st_nlink == 0

    def leave(self, *, finished: bool) -> tuple["Checkpoint", ...]:
        """Return `left` for the checkpoint in the next file."""
        own = replace(self, left=(), ahead=(), finished=finished)
        return (*self.left, own)[-MAX_LEFT:]

    def to_state(self) -> dict[str, Any]:
        """Return the checkpoint as JSON values."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in _LISTS:
            state[name] = [one.to_state() for one in state[name]]
            if not state[name]:
                del state[name]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Checkpoint":
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


NOWHERE = Checkpoint(device=0, inode=0, head_length=0, head_digest="", offset=0, modified_ns=0)


# Private

_LISTS = ("left", "ahead")


def _size(file: LogFile, status: os.stat_result) -> int:
    return status.st_size if isinstance(file, FileIO) else 0
