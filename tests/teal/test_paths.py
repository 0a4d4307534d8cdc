"""A folder is either usable or refused at once, by its name and by what is wrong with it."""

import re
from pathlib import Path

import pytest

from teal.errors import SettingsError
from teal.paths import unusable
from teal.settings import load


@pytest.mark.parametrize("name", ["teal", "a b%c'd ü", "a&b (2)", "-x", "日本", "a=b@c+d~e!"])
def test_ordinary_folders_are_usable(name):
    """As people name them."""
    assert unusable(Path("/home/me") / name) is None


@pytest.mark.parametrize("character", list('"\\$;#:,*?[]{}\n\t\x7f'))
def test_what_another_program_would_read_otherwise_is_refused(tmp_path, character):
    """Before anything is started."""
    folder = tmp_path / f"a{character}b"

    with pytest.raises(SettingsError, match=re.escape(repr(character))):
        load({"TEAL_ENV_FILE": "/nonexistent", "TEAL_DIR": str(folder)})


def test_a_name_that_is_no_text_is_refused():
    """Left by an archive of another encoding."""
    assert "is not UTF-8" in str(unusable(Path("/home/caf\udce9")))
