"""One log that is not rotated: what is there to read, and what is not."""

import os
from pathlib import Path

import pytest
from loglines import numbered
from tailing import A, B, Reader, append

from nginxlog_exporter.tail import lines as lines_module
from nginxlog_exporter.tail.tailer import Tailer


def test_a_missing_log_is_waited_for(log: Path, reader: Reader) -> None:
    """It is not readable, which is no error; when it appears it is read from its beginning."""
    assert reader.read() == b""
    assert reader.tail.readable is False
    append(log, A)

    assert reader.read() == A
    assert reader.tail.readable is True
    assert reader.gaps == []


def test_a_log_without_permission_is_waited_for(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The administrator puts it right and nothing is lost."""
    append(log, A)
    if os.geteuid() == 0:
        # Root may read every file, so the system's answer to others is given here.
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError

        with monkeypatch.context() as system:
            system.setattr("os.access", lambda *_: False)
            system.setattr("os.open", refuse)
            assert reader.read() == b""
    else:
        log.chmod(0)
        assert reader.read() == b""
    assert reader.tail.readable is False
    log.chmod(0o600)

    assert reader.read() == A


def test_a_partial_line_is_held_back(log: Path, reader: Reader) -> None:
    """Half a line is not a line."""
    append(log, A + B[:50])
    assert reader.read() == A
    append(log, B[50:])

    assert reader.read() == B


def test_an_over_long_line_is_skipped_and_counted(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours are read, memory is bounded, and it counts once although it grows slowly."""
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 4096)
    append(log, A + b"x" * 10_000)
    assert reader.read() == A
    append(log, b"x" * 10_000)
    assert reader.read() == b""
    append(log, b"\n" + B)

    assert reader.read() == B
    assert sum(block.too_long for block in reader.blocks) == 1
    assert sum(block.size for block in reader.blocks) == log.stat().st_size


def test_blocks_are_bounded(log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog comes piece by piece."""
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 4096)
    everything = b"".join(numbered(100))
    append(log, everything)

    assert reader.read() == everything
    assert max(len(block.lines) for block in reader.blocks) <= 4096


def test_the_backlog_is_what_is_not_read_yet(log: Path, reader: Reader) -> None:
    """In bytes."""
    append(log, A)
    reader.read()
    append(log, B)

    assert reader.tail.backlog() == len(B)
    reader.read()
    assert reader.tail.backlog() == 0


def test_reading_can_begin_at_the_end(log: Path) -> None:
    """The end is that of the last complete line."""
    append(log, A + B[:50])
    reader = Reader(log)
    reader.tail = Tailer(log, from_end=True)
    assert reader.read() == b""
    append(log, B[50:])

    assert reader.read() == B
