"""Where a log file went: the names of rotated files, which one a checkpoint is in, what comes next.

By name rotated files are those that logrotate, savelog and most others make (`.1`, `.2.gz`,
`-20260131`, `.2026-01-31`, ...): anything else beside the log is somebody's copy and not read.
Limits: files moved to another folder, or compressed otherwise than by gzip, are not found after a
restart, which is a gap.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nginxlog_exporter.tail.checkpoint import MAX_LEFT, Checkpoint, Identity
from nginxlog_exporter.tail.fingerprint import DAMAGE, LogFile
from nginxlog_exporter.tail.lines import end_of_lines
from nginxlog_exporter.tail.rewindable_gzip import RewindableGzipFile

_Seen = TypeVar("_Seen")


def open_log(path: Path) -> LogFile:
    """Open a log for reading bytes, compressed (`.gz`) or not. Raises OSError.

    Only ordinary files: a FIFO would keep the reader waiting for ever.
    """
    file = open(path, "rb", buffering=0, opener=_open_regular)  # noqa: SIM115 - returned
    if path.suffix != ".gz":
        return file
    unpacked = RewindableGzipFile(fileobj=file, mode="rb")
    unpacked.myfileobj = file  # closes it as well
    return unpacked


class Following(NamedTuple):
    """Where to read on, and what was found out on the way."""

    path: Path
    # At the checkpoint, of which this file has the content; otherwise at the beginning.
    goes_on: bool = False
    # The log is the file that was being read, but its content is another.
    was_cut: bool = False
    # The file of the checkpoint is gone.
    is_gap: bool = False


def where_to_read(log: Path, checkpoint: Checkpoint | None) -> Following:
    """Return where a tailer at this checkpoint reads on. Raises OSError if it cannot yet."""
    if checkpoint is None:
        return Following(log)
    if checkpoint.finished:
        return Following(next(iter(later(log, checkpoint)), log))
    is_log = _is_file_of(log, checkpoint)
    if not checkpoint.head_length:
        # No content by which to know the file. So all that is newer than what was read.
        next_ = next(iter(later(log, checkpoint, is_known=False)), log)
        return Following(next_, was_cut=is_log and next_ != log)
    found = find(log, checkpoint)
    if found:
        return Following(found, goes_on=True, was_cut=is_log and found != log)
    newer = later(log, checkpoint)
    if not newer:
        raise FileNotFoundError(log)
    return Following(newer[0], was_cut=is_log, is_gap=True)


def open_following(log: Path, checkpoint: Checkpoint | None) -> tuple[LogFile, Following]:
    """Open the file in which a tailer at this checkpoint reads on. Raises OSError."""

    def look() -> tuple[LogFile, Following]:
        following = where_to_read(log, checkpoint)
        return open_log(following.path), following

    return steadily(log, look)


def steadily(log: Path, look: Callable[[], _Seen]) -> _Seen:
    """Return what `look` does, if no file was renamed meanwhile. Raises OSError, then try again.

    While files are being renamed a name may mean another file a moment later, or none.
    """
    before = _names(log)
    seen = look()
    if _names(log) != before:
        raise OSError(f"{log} is being rotated")
    return seen


def find(log: Path, checkpoint: Checkpoint) -> Path | None:
    """Return where the file of this checkpoint is now: the log, or one that it was rotated to.

    Raises OSError if it is there but cannot be read just now.
    """
    candidates = [log, *reversed(rotated(log))]
    index = _index_of(candidates, checkpoint)
    return None if index is None else candidates[index]


def find_same(log: Path, checkpoint: Checkpoint) -> Path | None:
    """Return the file of this checkpoint, but no copy of it. Raises OSError."""
    return next((path for path in (log, *rotated(log)) if _is_same(path, checkpoint)), None)


def before(
    log: Path,
    known: Checkpoint,
    empty: Checkpoint,
    *,
    between: int,
    others: Iterable[Checkpoint] = (),
) -> Path | None:
    """Return the file that was empty when it was left for a known one, None if it is gone.

    It has no content to be known by. What has its inode and stands before the known one is it; else
    a compressed file that stands where it has to, with so many empty ones between, and is none of
    the `others`: the empty one may be deleted. Raises OSError.
    """
    files = [*rotated(log), log]
    index = _index_of(files, known, same=None if known.head_length else _is_file_of)
    earlier = files[: index or 0]
    same = next((path for path in reversed(earlier) if _is_file_of(path, empty)), None)
    if same or len(earlier) <= between:
        return same
    path = earlier[-1 - between]
    is_older = path.stat().st_mtime_ns < empty.modified_ns - _TIME_STEP_NS
    if path.suffix != ".gz" or is_older or any(is_copy(path, other) for other in others):
        return None
    return path


def later(
    log: Path,
    checkpoint: Checkpoint,
    *,
    is_known: bool = True,
    opened: frozenset[Identity] = frozenset(),
) -> list[Path]:
    """Return the files after the checkpoint's, the oldest first; the last is the log.

    The newest file that was read and is still there tells where they begin; the first that was seen
    and not begun, else; times only if there is neither. `is_known`: the checkpoint's own file has
    content by which to know it. `opened`: files that are held open, of which no other can have the
    inode. Raises OSError.
    """
    files = [*rotated(log), *([log] if log.is_file() else [])]
    read = [*([checkpoint] if is_known else []), *reversed(checkpoint.left)]
    for known in read:
        # Of an open file it is certain; its content may have been cut meanwhile.
        index = _index_of(files, known, same=_is_file_of if known.identity in opened else _is_same)
        if index is not None:
            return _not_read_yet(files[index + 1 :], read)
    # All that may be new: seen before, the file itself with other content, or written since.
    for index, path in enumerate(files):
        if (
            _is_file_of(path, checkpoint)
            or path.stat().st_mtime_ns > checkpoint.modified_ns
            or any(_is_same(path, one) or is_copy(path, one) for one in checkpoint.ahead)
        ):
            return _not_read_yet(files[index:], read)
    return _not_read_yet([path for path in files if path == log], read)


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


def ends_of_rotated(log: Path) -> tuple[Checkpoint, ...]:
    """Return the ends of the newest rotated files. At the first start they are not ours to read."""
    ends = []
    for path in rotated(log)[-MAX_LEFT:]:
        with suppress(OSError, *DAMAGE), open_log(path) as file:
            offset = end_of_lines(file) if isinstance(file, FileIO) else 0
            ends.append(replace(Checkpoint.begin(file, offset), finished=True))
    return tuple(ends)


def base_name(name: str) -> str | None:
    """Return the name of the log whose rotated file is called so, None if it is no such name."""
    found = re.fullmatch(rf"(.+?){_ROTATED.pattern}", name, re.ASCII)
    return found[1] if found else None


def is_copy(path: Path, checkpoint: Checkpoint) -> bool:
    """Tell whether another file has the same content: a copy, or the file compressed.

    It has the time of the file or a later one, so older files need not be opened.
    """
    try:
        is_older = path.stat().st_mtime_ns < checkpoint.modified_ns - _TIME_STEP_NS
        return checkpoint.head_length > 0 and not is_older and _holds(path, checkpoint)
    except OSError:
        return False


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


def _names(log: Path) -> list[tuple[Path, int, int]]:
    names = []
    for path in (*rotated(log), log):
        with suppress(OSError):
            status = path.stat()
            names.append((path, status.st_dev, status.st_ino))
    return names


def _literal(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _newest(files: Iterable[tuple[Any, int, Path]]) -> int:
    return max(modified_ns for _, modified_ns, _ in files)


def _not_read_yet(files: list[Path], read: list[Checkpoint]) -> list[Path]:
    """Leave out what was read: a log may be renamed back."""
    return [path for path in files if not any(_is_same(path, one) for one in read)]


def _index_of(
    candidates: list[Path],
    checkpoint: Checkpoint,
    *,
    same: Callable[[Path, Checkpoint], bool] | None = None,
) -> int | None:
    """Return which of the files is that of the checkpoint: itself, else a copy of it."""
    for is_it in (same or _is_same, is_copy):
        for index, path in enumerate(candidates):
            if is_it(path, checkpoint):
                return index
    return None


def _is_same(path: Path, checkpoint: Checkpoint) -> bool:
    if not _is_file_of(path, checkpoint):
        return False
    if not checkpoint.head_length:
        # The inode alone may have been used again.
        return path.stat().st_mtime_ns == checkpoint.modified_ns
    return _holds(path, checkpoint)


def _is_file_of(path: Path, checkpoint: Checkpoint) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (checkpoint.device, checkpoint.inode)


def _holds(path: Path, checkpoint: Checkpoint) -> bool:
    try:
        with open_log(path) as file:
            return checkpoint.matches(file)
    except DAMAGE:
        return False
