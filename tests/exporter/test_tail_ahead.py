"""What comes after the file being read: seen at once, held open, known again; nothing twice."""

import gzip
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from loglines import numbered
from tailing import A, B, C, D, E, Reader, age, append

from nginxlog_exporter.tail import draining, rotation, upcoming
from nginxlog_exporter.tail.tailer import Tailer


def test_a_new_log_that_is_deleted_soon_is_read(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seen while the old one was not quiet yet: its descriptor is enough."""
    monkeypatch.setattr(draining, "QUIET_SECONDS", 3600.0)
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    first = reader.tail.read()
    log.unlink()
    append(old, C)
    append(log, D)

    assert {*first.lines.splitlines(), *reader.read().splitlines()} == {*(B + C + D).splitlines()}
    assert reader.gaps == []


def test_a_file_that_was_deleted_before_its_turn_is_read(log: Path, reader: Reader) -> None:
    """Also if it was neither the log nor the one being read."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), B)
    append(log, C)
    reader.tail._look()
    reader.tail._look_ahead()
    Path(f"{log}.1").unlink()

    assert reader.read() == B + C
    assert reader.gaps == []


def test_a_file_that_was_seen_and_deleted_while_down_is_a_gap(log: Path, reader: Reader) -> None:
    """Its size is known, and that it was never begun."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), C)
    append(log, D)
    reader.blocks.append(reader.tail.read())
    Path(f"{log}.1").unlink()
    reader.restart()

    assert reader.read() == D
    assert (reader.gaps, reader.lost_bytes) == (["lost"], len(C))


@pytest.mark.parametrize("how", ["compressed", "moved on", "copied and cut"])
def test_a_file_that_was_seen_is_known_again(log: Path, reader: Reader, how: str) -> None:
    """Under another name, compressed, or as a copy; while it is held and after a kill."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), C)
    append(log, D)
    reader.blocks.append(reader.tail.read())
    if how == "compressed":
        Path(f"{log}.1.gz").write_bytes(gzip.compress(C))
        Path(f"{log}.1").unlink()
    elif how == "moved on":
        for number in (2, 1):
            Path(f"{log}.{number}").rename(f"{log}.{number + 1}")
        log.rename(f"{log}.1")
    else:
        for number in (2, 1):
            Path(f"{log}.{number}").rename(f"{log}.{number + 1}")
        shutil.copy2(log, f"{log}.1")
        os.truncate(log, 0)
    append(log, E)
    places = [reader.blocks[-1].checkpoint]
    going_on = reader.read()
    reader.tail = Tailer(log, places[0])

    assert going_on == reader.read() == C + D + E
    assert reader.gaps == []


def test_finished_files_are_not_read_again(log: Path, reader: Reader) -> None:
    """The file being read and the one before it vanish, an older one has a newer time."""
    for content in (A, B, C):
        append(log, content)
        reader.read()
        for number in (3, 2, 1):
            if Path(f"{log}.{number}").exists():
                Path(f"{log}.{number}").rename(f"{log}.{number + 1}")
        log.rename(f"{log}.1")
    append(log, D)
    assert reader.read() == D
    log.unlink()
    Path(f"{log}.1").unlink()
    os.utime(f"{log}.3")
    append(log, E)
    reader.restart()

    assert reader.read() == E
    # A worker may still have written to either.
    assert reader.gaps == ["lost", "lost"]


def test_rotated_files_from_before_the_first_start_are_not_ours(log: Path, reader: Reader) -> None:
    """Whatever their times; what slow workers still write to them is."""
    for number, content in ((2, A), (1, B)):
        append(Path(f"{log}.{number}"), content)
    log.touch()
    reader.read()
    age(log, 50)
    append(Path(f"{log}.1"), C)
    for number in (2, 1):
        Path(f"{log}.{number}").rename(f"{log}.{number + 1}")
    log.rename(f"{log}.1")
    append(log, D)

    assert {*reader.read().splitlines()} == {*(C + D).splitlines()}
    assert reader.gaps == []


def test_a_worker_that_writes_for_ever_to_the_old_file_starves_nobody(
    log: Path, reader: Reader
) -> None:
    """Blocks come from both in turn."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    reader.tail.read()
    got = b""
    for number in range(4):
        append(old, numbered(1, first=100 + number)[0])
        append(log, numbered(1, first=200 + number)[0])
        got += reader.tail.read().lines

    assert {numbered(1, first=n)[0] for n in (100, 200)} < set(got.splitlines(keepends=True))


def test_late_lines_come_at_the_next_rotation_even_after_a_minute(
    log: Path, reader: Reader
) -> None:
    """The descriptor is let go of then, but not the place."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    reader.read()
    age(old, 3600)
    reader.read()
    append(old, C)
    old.rename(f"{log}.2")
    log.rename(f"{log}.1")
    append(log, D)

    assert {*reader.read().splitlines()} == {*(C + D).splitlines()}


def test_a_late_file_that_is_gone_after_a_kill_is_a_gap(log: Path, reader: Reader) -> None:
    """A worker may have written to it."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    reader.read()
    append(old, C)
    old.unlink()
    reader.restart()

    assert reader.read() == b""
    assert reader.gaps == ["lost"]


def test_many_rotated_files_are_listed_once(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at each of them; and few are open at a time."""
    append(log, A)
    reader.read()
    count = 100
    log.rename(f"{log}.{count + 1}")
    parts = [numbered(1, first=1000 + number)[0] for number in range(count)]
    for number, part in enumerate(parts):
        append(Path(f"{log}.{count - number}"), part)
    append(log, B)
    listed, really = [], rotation.rotated
    monkeypatch.setattr(rotation, "rotated", lambda path: listed.append(path) or really(path))
    reader.restart()
    opened = len(list(Path("/proc/self/fd").iterdir()))
    first = reader.tail.read()
    now_open = len(list(Path("/proc/self/fd").iterdir()))

    assert first.lines + reader.read() == b"".join(parts) + B
    assert len(listed) < 10
    assert now_open - opened <= upcoming.MAX_OPEN + 4
    assert reader.rotations.count("rename") + (first.rotation == "rename") == count + 1


def test_the_backlog_is_that_of_all_files(log: Path, reader: Reader) -> None:
    """Those between the one being read and the log, too."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), B + C)
    append(log, D)
    reader.tail._look()
    reader.tail._look_ahead()

    assert reader.tail.backlog() == len(B + C + D)


@pytest.mark.parametrize("packed", [False, True])
def test_several_empty_files_in_a_row_are_no_gap(log: Path, reader: Reader, packed: bool) -> None:
    """As a quiet night leaves them; they have no content to be known by after a kill."""
    append(log, A)
    reader.read()
    for number in (5, 4, 3, 2):
        log.rename(f"{log}.{number}")
        log.touch()
        reader.read()
    log.rename(f"{log}.1")
    append(log, B)
    assert reader.read() == B
    if packed:
        for number in (1, 2, 3, 4):
            plain = Path(f"{log}.{number}")
            moment = plain.stat().st_mtime_ns
            plain.unlink()
            packed_file = Path(f"{log}.{number}.gz")
            packed_file.write_bytes(gzip.compress(C if number == 3 else b""))
            os.utime(packed_file, ns=(moment, moment))
    reader.restart()

    assert reader.read() == (C if packed else b"")
    assert reader.gaps == []


def test_files_that_are_renamed_while_they_are_listed_are_listed_again(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list of names and the look at each, a name came to mean another file."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), B)
    append(log, C)
    really = rotation.later
    moves = iter([(f"{log}.2", f"{log}.3"), (f"{log}.1", f"{log}.2"), (log, f"{log}.1")])

    def listed(*where: object, **how: object) -> list[Path]:
        names = really(*where, **how)
        for old, new in moves:
            Path(old).rename(new)
        log.touch()
        return names

    monkeypatch.setattr(rotation, "later", listed)
    got = reader.read()
    append(log, D)

    assert got + reader.read() == B + C + D
    assert reader.gaps == []


def test_the_inode_of_a_compressed_file_that_is_used_again_is_no_sign(
    log: Path, reader: Reader
) -> None:
    """The new log may have it; it is another file all the same."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    reader.read()
    checkpoint = reader.blocks[-1].checkpoint
    Path(f"{log}.1.gz").write_bytes(gzip.compress(old.read_bytes() + C))
    old.unlink()
    log.rename(f"{log}.0")
    append(log, D)
    status = log.stat()
    left = replace(checkpoint.left[-1], device=status.st_dev, inode=status.st_ino)
    Path(f"{log}.0").rename(f"{log}.1")
    Path(f"{log}.1.gz").rename(f"{log}.2.gz")
    reader.tail = Tailer(log, replace(checkpoint, left=(left,)))

    assert {*reader.read().splitlines()} == {*(C + D).splitlines()}
    assert reader.gaps == []
