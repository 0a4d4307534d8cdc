"""The long tests: none is left out of every part, and a part runs again when its code changes."""

import argparse
import re
import subprocess

import pytest
from fix_stack import ROOT

from tools.commands import test_long
from tools.commands.test_long import Part, parts

MARK = re.compile(r"pytest\.mark\.long\b")


@pytest.mark.parametrize("name", parts())
def test_the_code_of_a_part_is_there(name):
    """A folder that moved would let its part pass for ever."""
    assert parts()[name].digest(ROOT)


def test_each_long_test_is_in_a_part():
    """A file that holds one is below a path that a part gives to pytest."""
    paths = [
        word
        for part in parts().values()
        for command in part.run
        for word in command.split()
        if word.startswith("tests/")
    ]
    files = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if MARK.search(path.read_text()) and path.name != "test_long_parts.py"
    ]

    assert files
    assert [] == [file for file in files if not file.startswith(tuple(paths))]


def test_a_part_is_another_one_when_its_code_or_its_definition_is(tmp_path):
    """Changed, added and removed files count, and so does what is run; other folders do not."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "code").mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    part = Part(about="", minutes=1, run=["pytest code"], code=["code"], environment={})
    seen = [part.digest(tmp_path)]

    (tmp_path / "beside" / "a.py").write_text("1")
    assert seen == [part.digest(tmp_path)]
    for name, text in (("a.py", "2"), ("b.py", "1")):
        (tmp_path / "code" / name).write_text(text)
        seen.append(part.digest(tmp_path))
    (tmp_path / "code" / "a.py").unlink()
    seen.append(part.digest(tmp_path))
    seen.append(
        Part(about="", minutes=1, run=["pytest more"], code=["code"], environment={}).digest(
            tmp_path
        )
    )

    assert len(seen) == len(set(seen))


def test_a_path_that_is_not_there_is_said(tmp_path):
    """With its name."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    part = Part(about="", minutes=1, run=[], code=["nowhere"], environment={})

    with pytest.raises(FileNotFoundError, match="nowhere"):
        part.digest(tmp_path)


def test_a_part_that_would_not_end_in_time_is_not_begun(monkeypatch, capsys):
    """It is said, and it stays to be run."""
    began = []
    monkeypatch.setattr(test_long, "_run", lambda *call: began.append(call))
    monkeypatch.setattr(test_long.servers, "fetch_missing", lambda: None)
    arguments = argparse.Namespace(part=[], changed=False, minutes=0.001)

    assert 0 == test_long.run(None, arguments)

    assert [] == began
    assert len(parts()) == capsys.readouterr().out.count("left out: takes")
