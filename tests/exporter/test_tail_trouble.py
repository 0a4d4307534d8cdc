"""What goes wrong around a log: odd files, failing disks, bytes that are lost."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from loglines import numbered
from tailing import A, B, C, D, Reader, age, append

from nginxlog_exporter.tail import tailer as tail_module
from nginxlog_exporter.tail.checkpoint import Checkpoint
from nginxlog_exporter.tail.tailer import Tailer


def test_truncation_is_seen_although_the_new_content_begins_alike(
    log: Path, reader: Reader
) -> None:
    """And is longer: the bytes before the place are others."""
    head = b"".join(numbered(50))
    append(log, head + A)
    reader.read()
    os.truncate(log, 0)
    append(log, head + B + C)

    assert reader.read() == head + B + C
    assert reader.gaps == ["truncated"]


def test_truncation_is_seen_where_nothing_was_read_yet(log: Path) -> None:
    """A reader that began at the end knows the file by its first bytes."""
    append(log, A)
    reader = Reader(log)
    reader.tail = Tailer(log, from_end=True)
    reader.read()
    os.truncate(log, 0)
    append(log, B + C)

    assert reader.read() == B + C
    assert reader.gaps == ["truncated"]


def test_a_gap_says_how_many_bytes_are_lost(log: Path, reader: Reader) -> None:
    """What the reader saw of the file but had not read; here half a line."""
    append(log, A + B[:50])
    reader.read()
    os.truncate(log, 0)
    append(log, C)
    reader.read()

    assert (reader.gaps, reader.lost_bytes) == (["truncated"], 50)


@pytest.mark.parametrize("kind", ["folder", "fifo", "link to nowhere", "link to a fifo"])
def test_what_is_no_file_is_waited_for(log: Path, reader: Reader, kind: str) -> None:
    """Nothing raises or hangs, and when a file is back it is read; beside the log it is ignored."""

    def make(path: Path) -> None:
        if kind == "folder":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "link to nowhere":
            path.symlink_to(path.with_name("nowhere"))
        else:
            if not log.with_name("pipe").exists():
                os.mkfifo(log.with_name("pipe"))
            path.symlink_to("pipe")

    make(log)
    assert (reader.read(), reader.tail.readable) == (b"", False)
    (log.rmdir if kind == "folder" else log.unlink)()
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    make(log)
    assert (reader.read(), reader.tail.readable) == (b"", False)
    reader.restart()
    assert (reader.read(), reader.tail.readable) == (b"", False)
    log.rename(f"{log}.1")
    append(log, B)

    assert reader.read() == B
    assert (reader.gaps, reader.tail.readable) == ([], True)


def test_a_link_that_is_pointed_elsewhere(log: Path, reader: Reader) -> None:
    """The file it pointed at is read to its end, then the other one."""
    one, other = log.with_name("one"), log.with_name("other")
    append(one, A)
    log.symlink_to(one)
    reader.read()
    append(one, B)
    append(other, C)
    log.unlink()
    log.symlink_to(other)

    assert reader.read() == B + C


def test_a_disk_that_fails_while_reading(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is not readable for that long, and nothing is lost."""
    append(log, A)
    reader.read()
    append(log, B)

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as system:
        system.setattr(tail_module, "read_lines", fail)
        assert (reader.read(), reader.tail.readable) == (b"", False)

    assert (reader.read(), reader.tail.readable) == (B, True)
    assert reader.gaps == []


def test_a_rotated_file_that_is_no_gzip_file_is_a_gap(log: Path, reader: Reader) -> None:
    """It does not hold up what comes after it."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    Path(f"{log}.1.gz").write_bytes(b"this was never compressed\n")
    append(log, B)

    assert reader.read() == B
    assert reader.gaps == ["damaged"]


def test_a_damaged_file_read_once_is_a_gap(tmp_path: Path) -> None:
    """`--once` must not be silent about it."""
    path = tmp_path / "access.log-20260131.gz"
    path.write_bytes(gzip.compress(b"".join(numbered(2000)))[:-2000])
    blocks = list(iter(Tailer(path, complete=True).read, None))

    assert [block.gap for block in blocks if block.gap] == ["damaged"]
    assert b"".join(numbered(100)) in b"".join(block.lines for block in blocks)


def test_files_that_are_renamed_during_the_search_are_searched_again(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that meant one file when it was listed means another when it is opened."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.1")
    append(log, C)
    reader.restart()
    really_open = tail_module.rotation.open_log
    moves = iter([(f"{log}.1", f"{log}.2"), (log, f"{log}.1")])

    def open_later(path: Path) -> object:
        for old, new in moves:
            Path(old).rename(new)
        return really_open(path)

    with monkeypatch.context() as system:
        system.setattr(tail_module.rotation, "open_log", open_later)
        got = reader.read()
    append(log, D)

    assert got + reader.read() == B + C + D
    assert reader.gaps == []


def test_lines_that_come_and_go_in_a_file_that_was_seen_empty(log: Path, reader: Reader) -> None:
    """A file without content has no fingerprint; its time tells that something happened."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    log.touch()
    reader.read()
    age(log, 10)
    reader.read()
    append(log, B)
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, C)

    assert reader.read() == B + C
    assert reader.gaps == []


def test_a_position_of_an_older_release_is_still_one(log: Path, reader: Reader) -> None:
    """A snapshot outlives the exporter that wrote it."""
    append(log, A)
    reader.read()
    kept = json.loads(json.dumps(reader.blocks[-1].checkpoint.to_state()))
    for newer in ("size", "mark_length", "mark_digest", "finished", "left"):
        kept.pop(newer, None)
    append(log, B)
    reader.tail = Tailer(log, Checkpoint.from_state(kept))

    assert reader.read() == B
