"""Where a log file went: identity of files, names of rotated ones, and which comes next.

A file is known by device, inode and its first bytes. The inode alone is not enough (it is used
again for a new file), the first bytes alone are not either (a young file has few).
"""

import gzip
import re
from dataclasses import asdict, dataclass
from hashlib import blake2b
from io import FileIO
from os import stat_result
from pathlib import Path
from typing import Any

HEAD_BYTES = 1024

LogFile = FileIO | gzip.GzipFile


@dataclass(frozen=True, kw_only=True)
class Position:
    """A place in a file, always after a newline, and enough to know the file again."""

    device: int
    inode: int
    # Of the first `head_length` bytes, all of them before the offset.
    head_length: int
    head_digest: str
    # In bytes; of the uncompressed content.
    offset: int
    # When the file was last written, as of this reading (nanoseconds since the epoch).
    modified_ns: int

    def to_state(self) -> dict[str, Any]:
        """Return the position as JSON values."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Position":
        """Return what `to_state` was called on. Raises TypeError or ValueError."""
        digest = str(state.pop("head_digest"))
        return cls(head_digest=digest, **{name: int(value) for name, value in state.items()})


def open_log(path: Path) -> LogFile:
    """Open a log for reading bytes, compressed (`.gz`) or not. Raises OSError."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb", buffering=0)


def position_at(file: LogFile, offset: int, status: stat_result) -> Position:
    """Return the position of an open file."""
    length = min(offset, HEAD_BYTES)
    return Position(
        device=status.st_dev,
        inode=status.st_ino,
        head_length=length,
        head_digest=_digest(file, length),
        offset=offset,
        modified_ns=status.st_mtime_ns,
    )


def still_holds(file: LogFile, position: Position, status: stat_result) -> bool:
    """Tell whether the content up to the position is still what was read."""
    if isinstance(file, FileIO) and status.st_size < position.offset:
        return False
    return _digest(file, position.head_length) == position.head_digest


def find(log: Path, position: Position) -> Path | None:
    """Return where the file of this position is now: the log, or one that it was rotated to."""
    candidates = [log, *reversed(rotated(log))]
    same = [path for path in candidates if _is_same(path, position)]
    same += [path for path in candidates if _is_copy(path, position)]
    return same[0] if same else None


def successor(log: Path, position: Position) -> Path | None:
    """Return the file that comes after the position's file, None if there is none yet."""
    older_first = rotated(log)
    known = [place for place, path in enumerate(older_first) if _is_same(path, position)]
    known += [place for place, path in enumerate(older_first) if _is_copy(path, position)]
    if known:
        newer = older_first[known[0] + 1 :]
    else:
        newer = [path for path in older_first if path.stat().st_mtime_ns > position.modified_ns]
    if newer:
        return newer[0]
    return log if log.exists() else None


def rotated(log: Path) -> list[Path]:
    """Return the rotated files of a log, the oldest first.

    By name they are those that logrotate, savelog and most others make (`.1`, `.2.gz`, `-20260131`,
    `.2026-01-31`, ...): anything else beside the log is somebody's copy and not read.
    """
    found = []
    for path in log.parent.glob(f"{_literal(log.name)}[.-]*"):
        suffix = path.name.removeprefix(log.name)
        # While a file is being compressed both exist.
        if _ROTATED.fullmatch(suffix) and not (
            path.suffix == ".gz" and path.with_suffix("").exists()
        ):
            found.append((path.stat().st_mtime_ns, -_number(suffix), suffix, path))
    return [path for *_, path in sorted(found)]


def base_name(name: str) -> str | None:
    """Return the name of the log whose rotated file is called so, None if it is no such name."""
    found = re.fullmatch(rf"(.+?){_ROTATED.pattern}", name, re.ASCII)
    return found[1] if found else None


# Private

_ROTATED = re.compile(r"[.-]\d[\dT:_.-]*?(\.gz)?", re.ASCII)
_NUMBERED = re.compile(r"\.(\d+)(\.gz)?", re.ASCII)


def _literal(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _number(suffix: str) -> int:
    """Return how often a numbered file was rotated: the higher, the older."""
    numbered = _NUMBERED.fullmatch(suffix)
    return int(numbered[1]) if numbered else 0


def _digest(file: LogFile, length: int) -> str:
    file.seek(0)
    return blake2b(file.read(length), digest_size=16).hexdigest()


def _is_same(path: Path, position: Position) -> bool:
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) != (position.device, position.inode):
            return False
        with open_log(path) as file:
            return still_holds(file, position, status)
    except OSError:
        return False


def _is_copy(path: Path, position: Position) -> bool:
    """Tell whether another file has the same content: a copy, or the file compressed."""
    try:
        with open_log(path) as file:
            return position.head_length > 0 and still_holds(file, position, path.stat())
    except OSError:
        return False
