"""What users sent is for the user who runs Teal and one group, also what an older version left."""

import os
import stat

import pytest

from teal.stack import private


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_open_is_closed(tmp_path):
    """Folders and files of an older version, and one below another."""
    log = tmp_path / "log"
    (log / "deeper").mkdir(parents=True, mode=0o755)
    for name, mode in (("access.log", 0o644), ("access.log.1", 0o666), ("deeper/body", 0o600)):
        (log / name).write_text("x")
        (log / name).chmod(mode)

    private.protect([log, tmp_path / "not there"])

    assert 0o2750 == _mode(log) == _mode(log / "deeper")
    assert 0o640 == _mode(log / "access.log") == _mode(log / "access.log.1")
    assert 0o600 == _mode(log / "deeper/body")
    assert {private.readers()} == {p.stat().st_gid for p in (log, *log.iterdir())}


def test_new_files_get_the_folders_group(tmp_path):
    """A container's program knows no group of this machine."""
    private.protect([tmp_path])
    (tmp_path / "new").touch()

    assert private.readers() == (tmp_path / "new").stat().st_gid


def test_a_link_to_a_file_elsewhere_is_left_alone(tmp_path):
    """A program that was taken over could make root give it any file of the machine."""
    elsewhere = tmp_path / "shadow"
    elsewhere.touch(mode=0o644)
    elsewhere.chmod(0o644)
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "access.log").symlink_to(elsewhere)
    os.mkfifo(folder / "pipe")
    before = elsewhere.stat()

    private.protect([folder], owner=61000 if os.getuid() == 0 else -1)

    assert before == elsewhere.stat()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_root_gives_files_to_who_writes_them(tmp_path):
    """Containers run as another user; the group stays that of this machine."""
    (tmp_path / "access.log").touch()

    private.protect([tmp_path], owner=61000)

    for path in (tmp_path, tmp_path / "access.log"):
        assert (61000, private.readers()) == (path.stat().st_uid, path.stat().st_gid)
