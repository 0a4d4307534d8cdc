"""What plain pygtail gets wrong, each as one scenario.

A scenario gets a reader that reads (`read`), begins again from what it keeps on disk (`restart`),
and can be killed while it writes that down (`kill_while_saving`). The numbers are those of the
probes of pygtail 0.14.0 in which the failures were found.
"""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from tailing import age, append

from nginxlog_exporter.tail.block import TRUNCATED

FIFTY = b"".join(b"%d\n" % number for number in range(50))


class Reader(Protocol):
    """What a scenario may do with a reader."""

    def read(self) -> None:
        """Read what is new."""

    def restart(self) -> None:
        """Begin again from what is on disk."""

    def kill_while_saving(self, written: int) -> None:
        """Die when so many bytes of the place are written."""


class Scenario(NamedTuple):
    """What happens; what is written in all; how pygtail fails; which gap is told, if any."""

    play: Callable[[Path, Reader], None]
    written: bytes
    pygtail: str
    gap: str = ""


def begin(log: Path, reader: Reader, lines: bytes) -> None:
    """Write the first lines and read them."""
    append(log, lines)
    reader.read()


def missing_at_start(log, reader):
    """1: no log yet."""
    reader.read()
    append(log, b"1\n")
    reader.read()


def gap_without_a_file(log, reader):
    """2, 11: the log was renamed and not created yet."""
    begin(log, reader, b"1\n")
    log.rename(f"{log}.1")
    reader.read()
    append(log, b"2\n")
    reader.read()


def unterminated_and_rotated_while_down(log, reader):
    """5: the rotated file ends without a newline."""
    begin(log, reader, b"1\n")
    append(log, b"2")
    log.rename(f"{log}.1")
    append(log, b"3\n")
    reader.restart()
    reader.read()


def unterminated_and_rotated_while_reading(log, reader):
    """24: the same without a restart."""
    begin(log, reader, b"1\n")
    append(log, b"2")
    log.rename(f"{log}.1")
    append(log, b"3\n4\n")
    reader.read()
    reader.read()


def rotated_twice_while_down(log, reader):
    """6: two rotations between two runs."""
    begin(log, reader, b"1\n")
    append(log, b"2\n")
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), b"3\n")
    append(log, b"4\n")
    reader.restart()
    reader.read()


def compress(log: Path) -> None:
    """Rotate as logrotate does with `compress` and without `delaycompress`."""
    Path(f"{log}.1.gz").write_bytes(gzip.compress(log.read_bytes()))


def rotated_and_compressed(log, reader):
    """14: the compressed file has another inode."""
    begin(log, reader, b"1\n")
    append(log, b"2\n")
    compress(log)
    log.rename(f"{log}.gone")
    append(log, b"3\n")
    reader.restart()
    reader.read()


def copied_compressed_and_cut(log, reader):
    """25, 26: copytruncate and compress."""
    begin(log, reader, b"1111\n")
    append(log, b"2\n")
    compress(log)
    os.truncate(log, 0)
    append(log, b"3\n")
    reader.restart()
    reader.read()


def cut_and_already_longer(log, reader):
    """8: copytruncate, and what came since is longer than the old offset."""
    begin(log, reader, b"a\nbb\n")
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, b"c\ndd\neeee\nffff\n")
    reader.restart()
    reader.read()


def cut_while_reading(log, reader):
    """9: copytruncate under a reader that goes on."""
    begin(log, reader, b"1111\n2222\n")
    shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, b"3\n")
    reader.read()
    append(log, b"4\n")
    reader.read()


def cut_beside_an_older_file(log, reader):
    """27: truncated in place, and yesterday's file is longer."""
    yesterday = Path(f"{log}.1")
    append(log, b"y1\ny2\ny3\n")
    reader.read()
    log.rename(yesterday)
    append(log, b"1\n2\n")
    reader.read()
    age(yesterday, 86400)
    os.truncate(log, 0)
    append(log, b"3\n")
    reader.restart()
    reader.read()


def deleted_and_created_with_the_same_inode(log, reader):
    """18: the new file has the inode of the deleted one, and is longer."""
    begin(log, reader, b"a\nb\n")
    # To a reader that is down this looks as if the file was deleted and its inode used again,
    # which not every file system does on demand.
    os.truncate(log, 0)
    append(log, FIFTY)
    reader.restart()
    reader.read()


def rotated_between_start_and_first_read(log, reader):
    """28: pygtail looks at the log when it is made and opens it when it is read."""
    begin(log, reader, b"1\n2\n")
    reader.restart()
    log.rename(f"{log}.1")
    append(log, b"3\n4\n5\n")
    reader.read()


def invalid_utf8(log, reader):
    """12: one byte that is no UTF-8, which any client can send."""
    begin(log, reader, b"1\n\xff\n3\n")
    reader.restart()
    reader.read()


def lone_carriage_return(log, reader):
    """13: a carriage return inside a line ends no line."""
    begin(log, reader, b"1\r2\n3\n")


def killed_before_the_place_was_written(log, reader):
    """15: an empty offset file."""
    begin(log, reader, b"1\n2\n")
    reader.kill_while_saving(0)
    reader.restart()
    reader.read()


def killed_while_the_place_was_written(log, reader):
    """16: half an offset file."""
    begin(log, reader, b"1\n2\n")
    reader.kill_while_saving(3)
    reader.restart()
    reader.read()


def rotated_while_down(log: Path, reader: Reader, *, name: str) -> None:
    """Read, write and rename, write, begin again."""
    begin(log, reader, b"1\n")
    append(log, b"2\n")
    log.rename(f"{log}{name}")
    append(log, b"3\n")
    reader.restart()
    reader.read()


def rotated_by_the_hour(log, reader):
    """20: logrotate's `dateformat -%Y%m%d%H`."""
    rotated_while_down(log, reader, name="-2026013107")


def folder_with_a_bracket(log, reader):
    """21: the log's folder is called log[1], as for all scenarios; dates need a pattern."""
    rotated_while_down(log, reader, name="-20260131")


SCENARIOS = {
    scenario.play.__name__: scenario
    for scenario in (
        Scenario(missing_at_start, b"1\n", "FileNotFoundError"),
        Scenario(gap_without_a_file, b"1\n2\n", "FileNotFoundError"),
        Scenario(unterminated_and_rotated_while_down, b"1\n2\n3\n", "lost"),
        Scenario(unterminated_and_rotated_while_reading, b"1\n2\n3\n4\n", "lost"),
        Scenario(rotated_twice_while_down, b"1\n2\n3\n4\n", "lost"),
        Scenario(rotated_and_compressed, b"1\n2\n3\n", "lost"),
        Scenario(copied_compressed_and_cut, b"1111\n2\n3\n", "TypeError"),
        Scenario(cut_and_already_longer, b"a\nbb\nc\ndd\neeee\nffff\n", "lost"),
        Scenario(cut_while_reading, b"1111\n2222\n3\n4\n", "lost"),
        Scenario(cut_beside_an_older_file, b"y1\ny2\ny3\n1\n2\n3\n", "doubled", TRUNCATED),
        Scenario(deleted_and_created_with_the_same_inode, b"a\nb\n" + FIFTY, "lost", TRUNCATED),
        Scenario(rotated_between_start_and_first_read, b"1\n2\n3\n4\n5\n", "lost"),
        Scenario(invalid_utf8, b"1\n\xff\n3\n", "UnicodeDecodeError"),
        Scenario(lone_carriage_return, b"1\r2\n3\n", "altered"),
        Scenario(killed_before_the_place_was_written, b"1\n2\n", "doubled"),
        Scenario(killed_while_the_place_was_written, b"1\n2\n", "ValueError"),
        Scenario(rotated_by_the_hour, b"1\n2\n3\n", "lost"),
        Scenario(folder_with_a_bracket, b"1\n2\n3\n", "lost"),
    )
}
