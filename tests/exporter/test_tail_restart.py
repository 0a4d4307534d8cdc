"""One log that is rotated while nobody reads it: each line comes once, in order."""

import gzip
import os
from pathlib import Path

from loglines import numbered
from tailing import A, B, C, D, E, Reader, age, append


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
    whole = gzip.compress(b"".join(numbered(2000, first=100)))
    Path(f"{log}.1.gz").write_bytes(whole[: len(whole) // 2])
    append(log, C)
    reader.restart()
    got = reader.read()

    assert got.startswith(b"".join(numbered(500, first=100)))
    assert got.endswith(b"\n" + C)
    assert reader.gaps == ["damaged"]
