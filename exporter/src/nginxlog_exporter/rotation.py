"""Where a log file went: names of rotated ones, which one holds a place, and which comes next.

By name rotated files are those that logrotate, savelog and most others make (`.1`, `.2.gz`,
`-20260131`, `.2026-01-31`, ...): anything else beside the log is somebody's copy and not read.
Limits: files moved to another folder, or compressed otherwise than by gzip, are not found after a
restart, which is a gap.
"""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from nginxlog_exporter.place import LogFile, Position, still_holds
from nginxlog_exporter.unpack import Unpacked

# What reading a compressed file that is cut off or overwritten raises.
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


def open_log(path: Path) -> LogFile:
    """Open a log for reading bytes, compressed (`.gz`) or not. Raises OSError.

    Only ordinary files: a FIFO would keep the reader waiting for ever.
    """
    file = open(path, "rb", buffering=0, opener=_open_regular)  # noqa: SIM115 - returned
    if path.suffix != ".gz":
        return file
    unpacked = Unpacked(fileobj=file, mode="rb")
    unpacked.myfileobj = file  # closes it as well
    return unpacked


class Following(NamedTuple):
    """Where to read, and what the way there tells."""

    path: Path
    # At the position, of which this file has the content; otherwise at the beginning.
    goes_on: bool = False
    # The log is the file that was being read, but its content is another.
    was_cut: bool = False
    # The file of the position is gone.
    is_gap: bool = False
    # The place in the file before this one.
    left: Position | None = None


def where_to_read(log: Path, position: Position | None) -> Following:
    """Return where a reader who is at this position reads on. Raises OSError if it cannot yet."""
    if position is None:
        return Following(log)
    if position.finished:
        return Following(successor(log, position) or log, left=position.to_leave())
    is_log = _is_file_of(log, position)
    left = position.left
    if not position.offset:
        # No content by which to know the file. So all that is newer than what was read.
        next_ = successor(log, left) if left else newer(log, position.modified_ns)
        return Following(next_ or log, was_cut=is_log and next_ != log, left=left)
    found = find(log, position)
    if found:
        return Following(found, goes_on=True, was_cut=is_log and found != log)
    next_ = successor(log, position)
    if next_ is None:
        raise FileNotFoundError(log)
    return Following(next_, was_cut=is_log, is_gap=True)


def open_following(log: Path, position: Position | None) -> tuple[LogFile, Following]:
    """Open the file where a reader who is at this position reads on. Raises OSError."""
    following = where_to_read(log, position)
    file = open_log(following.path)
    # While files are being renamed a name may mean another file a moment later.
    opened, named = os.fstat(file.fileno()), following.path.stat()
    if where_to_read(log, position) != following or not os.path.samestat(opened, named):
        file.close()
        raise OSError(f"{log} is being rotated")
    return file, following


def find(log: Path, position: Position) -> Path | None:
    """Return where the file of this position is now: the log, or one that it was rotated to.

    Raises OSError if it is there but cannot be read just now.
    """
    candidates = [log, *reversed(rotated(log))]
    place = _place(candidates, position)
    return None if place is None else candidates[place]


def successor(log: Path, position: Position) -> Path | None:
    """Return the file that comes after the position's file, None if there is none yet."""
    older_first = rotated(log)
    for known in (position, position.left):
        place = _place(older_first, known) if known else None
        if place is not None:
            later = [*older_first[place + 1 :], *([log] if log.is_file() else [])]
            return later[0] if later else None
    return newer(log, position.modified_ns)


def newer(log: Path, modified_ns: int) -> Path | None:
    """Return the first rotated file that was written after that moment, else the log if it is."""
    for path in rotated(log):
        if path.stat().st_mtime_ns > modified_ns:
            return path
    return log if log.is_file() else None


def rotated(log: Path) -> list[Path]:
    """Return the rotated files of a log, the oldest first.

    Their names say the order, not their times: a late line makes an older file the newer one.
    """
    numbered: list[tuple[int, int, Path]] = []
    dated: list[tuple[str, int, Path]] = []
    for path in log.parent.glob(f"{_literal(log.name)}[.-]*"):
        suffix = path.name.removeprefix(log.name)
        # While a file is being compressed both exist.
        if not _ROTATED.fullmatch(suffix) or (
            path.suffix == ".gz" and path.with_suffix("").exists()
        ):
            continue
        try:
            status = path.stat()
        except OSError:
            continue  # just gone, or a link to nowhere
        if not stat.S_ISREG(status.st_mode):
            continue
        number = _NUMBERED.fullmatch(suffix)
        if number:
            numbered.append((-int(number[1]), status.st_mtime_ns, path))
        else:  # logrotate, too, wants dates that sort as texts
            dated.append((suffix.removesuffix(".gz"), status.st_mtime_ns, path))
    # If both are there, the way of naming was changed once.
    one, other = sorted(numbered), sorted(dated)
    if one and other and _newest(one) > _newest(other):
        return [path for *_, path in (*other, *one)]
    return [path for *_, path in (*one, *other)]


def base_name(name: str) -> str | None:
    """Return the name of the log whose rotated file is called so, None if it is no such name."""
    found = re.fullmatch(rf"(.+?){_ROTATED.pattern}", name, re.ASCII)
    return found[1] if found else None


# Private

_ROTATED = re.compile(r"[.-]\d[\dT:_.-]*?(\.gz)?", re.ASCII)
# Some compressors and file systems keep times to the second only.
_TIME_STEP_NS = 2 * 10**9
_NUMBERED = re.compile(r"\.(\d+)(\.gz)?", re.ASCII)


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no ordinary file")
    return descriptor


def _literal(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _newest(files: Iterable[tuple[Any, int, Path]]) -> int:
    return max(modified_ns for _, modified_ns, _ in files)


def _place(candidates: list[Path], position: Position) -> int | None:
    """Return which of the files is that of the position: itself, else a copy of it."""
    for is_it in (_is_same, _is_copy):
        for place, path in enumerate(candidates):
            if is_it(path, position):
                return place
    return None


def _is_same(path: Path, position: Position) -> bool:
    return _is_file_of(path, position) and _holds(path, position)


def _is_file_of(path: Path, position: Position) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (position.device, position.inode)


def _is_copy(path: Path, position: Position) -> bool:
    """Tell whether another file has the same content: a copy, or the file compressed.

    It has the time of the file or a later one, so older files need not be opened.
    """
    try:
        is_older = path.stat().st_mtime_ns < position.modified_ns - _TIME_STEP_NS
        return position.head_length > 0 and not is_older and _holds(path, position)
    except OSError:
        return False


def _holds(path: Path, position: Position) -> bool:
    try:
        with open_log(path) as file:
            return still_holds(file, position)
    except DAMAGE:
        return False
