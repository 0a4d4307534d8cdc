"""One log that is rotated while it is read: each line comes once, in order, and gaps are told."""

import os
import shutil
from pathlib import Path

from loglines import numbered
from tailing import A, B, C, D, E, Reader, age, append

from nginxlog_exporter.tail.rotation import rotated


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


def test_the_new_log_is_read_while_workers_write_to_the_old_one(log: Path, reader: Reader) -> None:
    """Each worker reopens its log in its own time: both files are read, and at once."""
    append(log, A)
    reader.read()
    log.rename(f"{log}.1")
    for number in range(5):
        late, new = numbered(1, first=100 + number), numbered(1, first=200 + number)
        append(Path(f"{log}.1"), late[0])
        append(log, new[0])

        assert {line + b"\n" for line in reader.read().splitlines()} == {*late, *new}
    assert reader.gaps == []


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


def test_a_copy_by_hand_is_not_read(log: Path, reader: Reader) -> None:
    """Only names that rotation makes are rotated files."""
    append(log, A)
    for name in (".bak", ".old", "-copy", ".1.bak", ".json"):
        append(Path(f"{log}{name}"), B)
    for name in (".1", "-20260131"):
        append(Path(f"{log}{name}"), C)

    assert {path.name for path in rotated(log)} == {"access.log.1", "access.log-20260131"}
