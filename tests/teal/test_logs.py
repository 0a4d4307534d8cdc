"""A log line in words, for people at 3 a.m."""

import pytest

from teal.commands.logs import readable
from teal.errors import SettingsError
from teal.stack import access_log

POOLS = {"127.0.0.1:8081": "blue", "127.0.0.1:8082": "green", "[::1]:8081": "blue"}
LINE = (
    'desired="blue" method="{method}" status={status} upstream_addr="{addr}" '
    'upstream_status="{us}" release="v1" streaming=0 request_time={time} '
    'upstream_response_time="0.001" upstream_connect_time="0.000" bytes_sent=1 request_length=1 '
    'msec=1.000 time=2026-01-02T14:03:12+00:00 remote_addr="127.0.0.1" request_id=a uri="{uri}" '
    'user_agent="-"'
)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"addr": "127.0.0.1:8081", "us": "200"},
            "14:03:12 GET / 200 in 2 ms <- blue 200",
        ),
        (
            {"addr": "127.0.0.1:8081, 127.0.0.1:8082", "us": "502, 200"},
            "14:03:12 GET / 200 in 2 ms <- blue 502, then green 200  (retried)",
        ),
        (
            {"addr": "[::1]:8081 : 127.0.0.1:8082", "us": "500 : 200"},
            "14:03:12 GET / 200 in 2 ms <- blue 500, then green 200  (retried)",
        ),
        ({"addr": "-", "us": "-", "status": 403}, "14:03:12 GET / 403 in 2 ms <- nginx itself"),
        ({"addr": "blue", "us": "502", "status": 502}, "14:03:12 GET / 502 in 2 ms <- blue 502"),
        (
            {"addr": "-", "us": "-", "status": 400, "method": "", "uri": "", "time": "0.000"},
            "14:03:12   400 in 0 ms <- nginx itself",
        ),
    ],
)
def test_a_request_is_one_readable_line(fields, words):
    """What was asked, what the client got, and which pool answered after which attempts."""
    defaults = {"method": "GET", "status": 200, "time": "0.002", "uri": "/"}

    assert words == readable(LINE.format(**{**defaults, **fields}), POOLS)


def test_a_line_of_another_format_is_shown_as_it_is():
    """A user's own log_format is no reason to show nothing."""
    assert "127.0.0.1 - GET" == readable("127.0.0.1 - GET", POOLS)


@pytest.fixture
def edited(monkeypatch, tmp_path):
    """Return a function that edits the log's format as a user may."""
    monkeypatch.setattr(access_log, "ROOT", tmp_path)
    monkeypatch.setattr(access_log, "LOG_FORMAT", tmp_path / "log.conf.template")
    access_log._reader.cache_clear()
    yield access_log.LOG_FORMAT.write_text
    access_log._reader.cache_clear()


def test_what_an_edited_format_does_not_say_is_no_defect(edited):
    """Who answered is known all the same; a line without time or path is shown as it is."""
    edited(
        "log_format own 'm=$request_method status=$status "
        'upstream_addr="$upstream_addr" r=$request_id\';'
    )
    line = 'm=GET status=200 upstream_addr="127.0.0.1:8081" r=a'

    assert [("127.0.0.1:8081", "")] == access_log.read(line.encode()).attempts
    assert line == readable(line, POOLS)


@pytest.mark.parametrize("text", ["", "log_format own '$upstream_addr $upstream_status';"])
def test_a_format_that_cannot_be_read_is_one_line(edited, text):
    """By the name of the file."""
    edited(text)

    with pytest.raises(SettingsError, match=r"log\.conf\.template: "):
        access_log.read(b"127.0.0.1 200")
