"""Files that went through other hands: CRLF, configurations with Lua, logs out of a pipe."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from loglines import FORMAT_FILE, line, numbered, teal_format

from nginxlog_exporter import cli
from nginxlog_exporter.parse import nginx_conf
from nginxlog_exporter.parse.log_format import compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat, LogFormatError
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.tail import lines
from nginxlog_exporter.tail.stream import StreamTailer

TEXTS = ("$request_method $status", "$status $request_method $upstream_http_x_release_id")


@pytest.mark.parametrize("text", TEXTS)
def test_lines_that_end_in_crlf_are_lines(text: str) -> None:
    """All of them or some, whatever field stands last; the CR belongs to no value."""
    compiled = compile_format(LogFormat("x", text))
    one = b"GET 200" if text == TEXTS[0] else b"200 GET v1"
    parsed = parse(one + b"\r\n" + one + b"\n" + one + b"\r\n", compiled)

    assert len(parsed.rows) == 3
    assert len(set(parsed.labels)) == 1


def test_crlf_in_teals_own_format() -> None:
    """Its last field is any text."""
    parsed = parse(line().replace(b"\n", b"\r\n") * 2, teal_format())

    assert (len(parsed.rows), parsed.unparsed.total()) == (2, 0)


def test_check_config_of_lines_with_crlf(tmp_path: Path) -> None:
    """They match."""
    sample = tmp_path / "sample"
    sample.write_bytes(b"GET 200\r\nPUT 201\r\n")
    arguments = ["--file", "x", "--format", TEXTS[0], "--check-config", str(sample)]

    assert cli.main(arguments) == 0


LUA = {
    "odd quotes": 'ngx.say("don\'t")',
    "a comment": "-- it's a comment with a }\nlocal x = 1",
    "a long comment": "--[==[ \" } ]] ' ]==] local x = 1",
    "long strings": "local x = [[ ' } ]] .. [=[ \" ]] } ]=]",
    "braces": "local t = { a = { 1 }, ['}'] = \"{\" }",
    "escapes": r"local s = 'it\'s }' .. \"\\\"",
    "minus and index": "local n = t[1] - 2 -- end'",
}


@pytest.mark.parametrize("name", LUA)
@pytest.mark.parametrize(
    "head", ["content_by_lua_block", "set_by_lua_block $a", "init_by_lua_block"]
)
def test_quotes_in_a_block_of_lua_are_luas(name: str, head: str) -> None:
    """The log_format behind it is found, and the one in front of it."""
    found = nginx_conf.log_formats(
        f"log_format a '$status'; {head} {{ {LUA[name]}\n}}\nlog_format b '$msec';"
    )

    assert {one.name: one.text for one in found.values()} == {"a": "$status", "b": "$msec"}


def test_a_block_of_lua_without_an_end_is_refused() -> None:
    """By the line at which the file ends."""
    with pytest.raises(LogFormatError, match="a block of Lua is not closed"):
        nginx_conf.log_formats("log_format a '$status'; content_by_lua_block { do\n")


def once(*arguments: str, stdin: bytes) -> str:
    """Run --once with this on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "nginxlog_exporter", "--format-file", str(FORMAT_FILE), *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()


def test_once_reads_standard_input() -> None:
    """As `zcat access.log.*.gz | nginxlog-exporter --once -` does."""
    text = once("--once", "-", stdin=b"".join(numbered(7)) + b"half a line")

    assert 'lines_total{file="-",result="parsed"} 7.0' in text
    assert 'lines_total{file="-",result="unparsed"} 1.0' in text


def test_once_reads_a_pipe_that_has_a_name(tmp_path: Path) -> None:
    """As `--once <(zcat ...)` does."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(b"".join(numbered(7))), daemon=True).start()

    assert 'result="parsed"} 7.0' in once("--once", str(pipe), stdin=b"")


def test_a_stream_gives_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks; a line that is too long is skipped and counted, also as the last one."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1000)
    whole = (
        b"".join(numbered(5)) + b"x" * 5000 + b"\n" + b"".join(numbered(5, first=5)) + b"y" * 3000
    )
    blocks = list(iter(StreamTailer(io.BytesIO(whole)).read, None))

    assert b"".join(block.lines for block in blocks) == b"".join(numbered(10))
    assert sum(block.too_long for block in blocks) == 2
    assert sum(block.size for block in blocks) == len(whole)
