"""`.env` is read as python-dotenv and Compose read it, and a line that is none is named."""

import re

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from teal.envfile import EnvFileError, read

NAMES = st.sampled_from(["A=", "B =", "export C=", "D= ", "E='", 'F="'])
VALUES = st.text(alphabet=" \t'\"\\#=aB_1:né$\x0b\u2028", max_size=14)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("HTTP_PORT: 80\n", "line 1: HTTP_PORT is set with a colon; it must be HTTP_PORT=value"),
        ("# a comment\n\nSTACK='shop\n", "line 3: the quotes around the value of STACK"),
        ('STACK="shop\nHTTP_PORT=80\n', "line 1: the quotes around the value of STACK"),
        ("STACK='a' b\n", "line 1: the quotes around the value of STACK"),
        ("HTTP_PORT=80\nhttps://hooks.slack.com/x\n", "line 2: https is set with a colon"),
        ("STACK\n", "line 1: this is no setting; it must be NAME=value, or begin with #"),
        ("=value\n", "line 1: this is no setting"),
        ("HTTP_PORT=80\nSTACK=café\n".encode("latin-1"), "line 2: a character that is not UTF-8"),
        ("HTTP_PORT=80\n".encode("utf-16"), "line 1: the file is UTF-16; save it as UTF-8"),
        ("HTTP_PORT=80\n".encode("utf-16-le"), "line 1: the file is UTF-16; save it as UTF-8"),
    ],
)
def test_a_line_that_is_no_setting_is_named(tmp_path, content, words):
    """With its number and what it must be."""
    file = tmp_path / ".env"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(EnvFileError, match=re.escape(words)):
        read(file)


def test_a_wrong_line_is_not_repeated(tmp_path):
    """It may hold the webhook."""
    file = tmp_path / ".env"
    file.write_text("SLACK_WEBHOOK_URL: https://hooks.slack.com/SECRET\n")

    with pytest.raises(EnvFileError) as error:
        read(file)

    assert "SECRET" not in str(error.value)


def test_marks_and_line_ends_of_other_systems_are_harmless(tmp_path):
    """What Windows' editors write."""
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")

    assert {"A": "1", "B": "2"} == read(file)


def test_a_missing_file_says_nothing(tmp_path):
    """Teal works without one."""
    assert {} == read(tmp_path / "none")


def test_a_folder_is_an_error_in_words(tmp_path):
    """Docker makes one where a file to be mounted is missing."""
    with pytest.raises(EnvFileError, match="cannot be read: Is a directory"):
        read(tmp_path)


@settings(deadline=None)
@given(lines=st.lists(st.tuples(NAMES, VALUES), max_size=3))
def test_what_is_read_is_what_others_read(tmp_path_factory, lines):
    """Every line that is accepted means what it means to python-dotenv."""
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_text("\n".join(name + value for name, value in lines) + "\n")
    try:
        ours = read(file)
    except EnvFileError:
        return

    theirs = dotenv_values(file, interpolate=False)
    assert {name: value or "" for name, value in theirs.items()} == ours
