"""Lines that slow workers write to the renamed file after everybody else has left it."""

from pathlib import Path

from tailing import A, B, C, D, Reader, age, append


def left_behind(log: Path, reader: Reader) -> Path:
    """Rotate, let the reader go on to the new file, and return the old one."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    append(log, B)
    assert reader.read() == B
    return old


def test_late_lines_of_a_slow_worker_count(log: Path, reader: Reader) -> None:
    """They come after lines of the new file, but they come, and once."""
    append(left_behind(log, reader), C)
    append(log, D)

    assert reader.read() == C + D
    reader.restart()
    assert reader.read() == b""
    assert reader.gaps == []


def test_late_lines_while_down_count(log: Path, reader: Reader) -> None:
    """The place in the old file is part of the position."""
    append(left_behind(log, reader), C)
    reader.restart()

    assert reader.read() == C


def test_late_lines_do_not_make_an_old_file_a_new_one(log: Path, reader: Reader) -> None:
    """The order of rotated files is that of their names, whatever their times."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.1")
    log.touch()
    reader.read()
    age(log, 10)
    append(old, B)
    assert reader.read() == B
    old.rename(f"{log}.2")
    log.rename(f"{log}.1")
    append(log, C)

    assert reader.read() == C
    reader.restart()
    assert reader.read() == b""


def test_an_empty_rotated_file_does_not_hide_the_one_before_it(log: Path, reader: Reader) -> None:
    """It has no content to be known by, so what comes next is found by the file before it."""
    append(log, A)
    reader.read()
    old = log.rename(f"{log}.2")
    log.touch()
    age(log, 20)
    append(old, B)
    log.rename(f"{log}.1")
    log.touch()
    age(log, 10)
    assert reader.read() == B
    Path(f"{log}.1").unlink()
    append(log, C)

    assert reader.read() == C
    assert reader.gaps == []


def test_an_old_file_is_let_go_of_after_a_while(log: Path, reader: Reader) -> None:
    """One more open file for ever would be a leak."""
    old = left_behind(log, reader)
    age(old, 3600)
    reader.read()
    append(old, C)

    assert reader.read() == b""
