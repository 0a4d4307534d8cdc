"""One log that is rotated in every way: each line comes once, in order, and gaps are told."""

import gzip
import os
import shutil
from pathlib import Path

import pytest
from loglines import numbered

from nginxlog_exporter import lines as lines_module
from nginxlog_exporter import tail as tail_module
from nginxlog_exporter.rotation import rotated
from nginxlog_exporter.tail import Block, Tail


class Reader:
    """A tail, what came out of it, and a way to kill and restart it."""

    def __init__(self, path: Path) -> None:
        self.tail = Tail(path)
        self.blocks: list[Block] = []

    def read(self) -> bytes:
        """Return the lines that are new."""
        new = list(iter(self.tail.read, None))
        self.blocks += new
        return b"".join(block.lines for block in new)

    def restart(self) -> None:
        """Begin again where the last block ended, as after a kill."""
        self.tail = Tail(self.tail.path, self.blocks[-1].position if self.blocks else None)

    @property
    def rotations(self) -> list[str]:
        """The kinds of rotation seen."""
        return [block.rotation for block in self.blocks if block.rotation]

    @property
    def gaps(self) -> list[str]:
        """The reasons of gaps told."""
        return [block.gap for block in self.blocks if block.gap]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a log that does not exist yet, in a folder whose name is a trap for patterns."""
    folder = tmp_path / "log[1]"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def reader(log: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Provide a reader that need not wait for nginx's workers to reopen their log."""
    monkeypatch.setattr(tail_module, "QUIET_SECONDS", 0.0)
    return Reader(log)


A, B, C, D, E = (b"".join(numbered(3, first=first)) for first in (0, 10, 20, 30, 40))


def append(path: Path, data: bytes) -> None:
    """Write as nginx does."""
    with path.open("ab") as file:
        file.write(data)


def age(path: Path, seconds: float) -> None:
    """Make a file look as old as that."""
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


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
            system.setattr("pathlib.Path.open", refuse)
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


def test_rename_and_create(log: Path, reader: Reader) -> None:
    """The ordinary rotation: what was still written to the old file comes first."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.1")
    append(log, C)

    assert reader.read() == B + C
    assert (reader.rotations, reader.gaps) == (["rename"], [])


def test_rename_with_a_gap_without_a_file(log: Path, reader: Reader) -> None:
    """Between the renaming and nginx's reopening the old file goes on to be read."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.1")
    append(Path(f"{log}.1"), B)
    assert reader.read() == B
    assert reader.tail.readable is False
    append(log, C)

    assert reader.read() == C
    assert (reader.rotations, reader.gaps) == (["rename"], [])


def test_the_old_file_is_not_left_while_workers_write_to_it(
    log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker reopens its log in its own time: the reader waits until the old file is quiet."""
    monkeypatch.setattr(tail_module, "QUIET_SECONDS", 3600.0)
    append(log, A)
    reader.read()
    log.rename(f"{log}.1")
    append(log, C)
    assert reader.read() == b""
    append(Path(f"{log}.1"), B)
    assert reader.read() == B
    age(Path(f"{log}.1"), 3601)

    assert reader.read() == C


def test_copytruncate_of_a_log_that_was_read_to_its_end(log: Path, reader: Reader) -> None:
    """The file is copied and cut to nothing; what comes then is read."""
    append(log, A)
    reader.read()
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, B)

    assert reader.read() == B
    assert (reader.rotations, reader.gaps) == (["truncate"], [])


def test_copytruncate_with_lines_that_only_the_copy_has(log: Path, reader: Reader) -> None:
    """They are read from the copy."""
    append(log, A)
    reader.read()
    append(log, B)
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, C)

    assert reader.read() == B + C
    assert (reader.rotations, reader.gaps) == (["truncate"], [])


def test_copytruncate_when_the_new_content_is_already_longer(log: Path, reader: Reader) -> None:
    """The size tells nothing then; the first bytes do."""
    append(log, A)
    reader.read()
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, B + C + D)

    assert reader.read() == B + C + D
    assert (reader.rotations, reader.gaps) == (["truncate"], [])


def test_truncation_without_a_copy_is_a_gap(log: Path, reader: Reader) -> None:
    """Nobody knows what was written last; an unrelated older file is not read again."""
    append(Path(f"{log}.1"), E * 5)
    age(Path(f"{log}.1"), 86400)
    append(log, A + B)
    reader.read()
    os.truncate(log, 0)
    append(log, C)

    assert reader.read() == C
    assert (reader.rotations, reader.gaps) == (["truncate"], ["truncated"])


def test_delete_and_create(log: Path, reader: Reader) -> None:
    """The deleted file is read to its end, because it is still open."""
    append(log, A)
    reader.read()
    append(log, B)
    log.unlink()
    append(log, C)

    assert reader.read() == B + C
    assert (reader.rotations, reader.gaps) == (["replace"], [])


def test_a_rotated_file_that_ends_without_a_newline(log: Path, reader: Reader) -> None:
    """Nobody will end its last line: it counts as it is and does not stop the reader."""
    append(log, A)
    reader.read()
    append(log, B[:-1])
    log.rename(f"{log}.1")
    append(log, C)

    assert reader.read() == B + C


def test_rotated_while_down(log: Path, reader: Reader) -> None:
    """The rest of the old file comes first."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.1")
    append(log, C)
    reader.restart()

    assert reader.read() == B + C
    assert (reader.rotations, reader.gaps) == (["rename"], [])


def test_rotated_three_times_while_down(log: Path, reader: Reader) -> None:
    """The old file, then every newer one, then the log."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}.3")
    for number, content in ((2, C), (1, D)):
        append(Path(f"{log}.{number}"), content)
    append(log, E)
    reader.restart()

    assert reader.read() == B + C + D + E
    assert (reader.rotations, reader.gaps) == (["rename"] * 3, [])


def test_restarted_after_every_block_of_three_rotations(log: Path, reader: Reader) -> None:
    """The position after each block is enough to go on from."""
    append(log, A)
    reader.read()
    for number, content in ((3, B), (2, C), (1, D)):
        append(Path(f"{log}.{number}"), content)
    log.rename(f"{log}.4")
    append(log, E)
    got = b""
    for _ in range(12):
        reader.restart()
        block = reader.tail.read()
        if block:
            reader.blocks.append(block)
            got += block.lines

    assert got == B + C + D + E


def test_rotated_and_compressed_while_down(log: Path, reader: Reader) -> None:
    """The compressed file is known by its content and read from the same place."""
    append(log, A)
    reader.read()
    append(log, B)
    with gzip.open(f"{log}.1.gz", "wb") as file:
        file.write(A + B)
    log.unlink()
    append(log, C)
    reader.restart()

    assert reader.read() == B + C
    assert reader.gaps == []


def test_rotated_by_date_while_down(log: Path, reader: Reader) -> None:
    """Names with dates are rotated files as well."""
    append(log, A)
    reader.read()
    append(log, B)
    log.rename(f"{log}-20260131-1769817600")
    append(log, C)
    reader.restart()

    assert reader.read() == B + C


def test_deleted_and_created_while_down_is_a_gap(log: Path, reader: Reader) -> None:
    """Even if the new file has the inode of the old one and is longer."""
    append(log, A)
    reader.read()
    log.unlink()
    append(log, B + C + D)
    reader.restart()

    assert reader.read() == B + C + D
    assert len(reader.gaps) == 1


def test_rotated_out_of_reach_while_down_reads_all_that_is_newer(log: Path, reader: Reader) -> None:
    """The file of the position is gone: a gap, and what was written since is still read."""
    append(log, A)
    age(log, 100)
    reader.read()
    log.rename(f"{log}.9")
    Path(f"{log}.9").unlink()
    append(Path(f"{log}.1"), C)
    append(log, D)
    reader.restart()

    assert reader.read() == C + D
    assert reader.gaps == ["lost"]


def test_a_copy_by_hand_is_not_read(log: Path, reader: Reader) -> None:
    """Only names that rotation makes are rotated files."""
    append(log, A)
    for name in (".bak", ".old", "-copy", ".1.bak", ".json"):
        append(Path(f"{log}{name}"), B)
    for name in (".1", "-20260131"):
        append(Path(f"{log}{name}"), C)

    assert {path.name for path in rotated(log)} == {"access.log.1", "access.log-20260131"}


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
    reader.tail = Tail(log, from_end=True)
    assert reader.read() == b""
    append(log, B[50:])

    assert reader.read() == B


def test_rotations_within_one_tick_of_the_clock_keep_their_order(log: Path, reader: Reader) -> None:
    """Files of the same age are ordered by their numbers."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.3")
    for number, content in ((2, B), (1, C)):
        append(Path(f"{log}.{number}"), content)
    append(log, D)
    for path in log.parent.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    reader.restart()

    assert reader.read() == B + C + D


def test_a_file_that_is_being_compressed_is_read_once(log: Path, reader: Reader) -> None:
    """Until the compressor has finished, the plain file is the one."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), B)
    with gzip.open(f"{log}.1.gz", "wb") as file:
        file.write(B)
    append(log, C)
    reader.restart()

    assert reader.read() == B + C


def test_a_damaged_compressed_file_is_a_gap_and_does_not_stop_the_reader(
    log: Path, reader: Reader
) -> None:
    """What can be had is read, the rest is told as lost."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.2")
    whole = gzip.compress(B * 2000)
    Path(f"{log}.1.gz").write_bytes(whole[: len(whole) // 2])
    append(log, C)
    reader.restart()
    reader.read()

    assert reader.read() == C
    assert "damaged" in reader.gaps
