"""A log_format is read as nginx reads it, and compiled into an expression that cannot be slowed."""

import re
import time

import pytest
from loglines import teal_format

from nginxlog_exporter.parse.log_format import compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat, LogFormatError, choose, log_formats
from nginxlog_exporter.parse.parser import parse


def rows(text: str, line: bytes, escape: str = "default") -> dict[str, str] | None:
    """Return the labels of a line, None if it does not match."""
    compiled = compile_format(LogFormat("test", text, escape))
    found = parse(line + b"\n", compiled).labels
    return compiled.labels.decode(found[0]) if found else None


def test_strings_comments_and_both_quotes_are_read_as_nginx_does() -> None:
    """Several strings are one text; comments, braces and other directives do not disturb."""
    configuration = """
    http { # log_format wrong 'x';
        log_format main escape=json '{"a":"$status",'  # a comment; with a semicolon
                   "\\"b\\":\\"$request_method\\"" bare\\;${msec} ;
        access_log logs/access.log main; }
    """
    found = log_formats(configuration)

    assert found == {
        "main": LogFormat("main", '{"a":"$status","b":"$request_method"bare\\;${msec}', "json")
    }


@pytest.mark.parametrize(
    ("configuration", "complaint"),
    [
        ("\nlog_format a 'x;", "line 2 of the configuration: a quote is not closed"),
        ("log_format a escape=xml '$status';", "escape=xml is none of default, json, none"),
        ("log_format a;", "log_format 'a' has no text"),
    ],
)
def test_a_broken_log_format_is_refused_with_the_reason(configuration: str, complaint: str) -> None:
    """What nginx would refuse is refused here as well, in words."""
    with pytest.raises(LogFormatError, match=complaint):
        log_formats(configuration)


def test_of_several_formats_one_must_be_chosen_by_name() -> None:
    """Guessing would count the wrong lines."""
    formats = log_formats("log_format a '$status'; log_format b '$msec';")

    assert choose(formats, "b").text == "$msec"
    with pytest.raises(LogFormatError, match="not one log_format but these: a, b"):
        choose(formats, None)
    with pytest.raises(LogFormatError, match="no log_format 'c' in the configuration"):
        choose(formats, "c")


def test_a_missing_variable_is_named() -> None:
    """Without status or method nothing can be counted."""
    with pytest.raises(LogFormatError, match=r"lacks \$status"):
        compile_format(LogFormat("a", "$request"))
    with pytest.raises(LogFormatError, match=r"lacks \$request_method \(or \$request\)"):
        compile_format(LogFormat("a", "$status"))


def test_a_needed_variable_that_touches_another_is_refused() -> None:
    """Where it ends could only be guessed."""
    with pytest.raises(LogFormatError, match=r"\$status stands in \$status\$request_method"):
        compile_format(LogFormat("a", "$status$request_method"))


def test_unneeded_variables_may_touch() -> None:
    """$host$request_uri is common and nobody asks where the host ends."""
    labels = rows("$scheme://$host$request_uri $request_method $status", b"http://a/b GET 200")

    assert labels == {"request_method": "GET", "status": "200"}


def test_the_request_line_stands_in_for_the_method() -> None:
    """The format called combined has no $request_method."""
    combined = (
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent"'
    )
    line = b'1.2.3.4 - - [21/Sep/2026:14:13:20 +0000] "POST /a b HTTP/1.1" 404 12 "-" "curl"'

    assert rows(combined, line) == {"request_method": "POST", "status": "404"}
    assert rows(combined, line.replace(b"POST /a b HTTP/1.1", b"\\x16\\x03"))["status"] == "404"


@pytest.mark.parametrize("upstreams", ["a:1, b:2", "a:1 : b:2", "-", "a:1"])
def test_unquoted_lists_are_read_whole(upstreams: str) -> None:
    """The spaces inside a list do not end it."""
    labels = rows("$request_method $upstream_addr $status", f"GET {upstreams} 200".encode())

    assert labels == {"request_method": "GET", "upstream_addr": upstreams, "status": "200"}


def test_an_escaped_quote_does_not_end_a_json_value() -> None:
    """escape=json writes a quote as backslash and quote."""
    text = '{"ua":"$http_user_agent","m":"$request_method","s":"$status"}'
    line = rb'{"ua":"a\"b\\","m":"GET","s":"200"}'

    assert rows(text, line, "json") == {"request_method": "GET", "status": "200"}


def test_labels_that_stand_together_are_captured_as_one_text() -> None:
    """That text is what lines are grouped by: the Teal format has one of labels, one of times."""
    assert len(teal_format().labels.indexes) == 1
    assert len(teal_format().times.indexes) == 1
    assert teal_format().columns.keys() == {"bytes_sent", "request_length", "msec"}


@pytest.mark.parametrize("piece", [b'"', b" ", b"a, ", b"1", b"\\", b" request_time=", b"1, "])
@pytest.mark.parametrize("prefix", [b'desired="', b'desired="blue" method="GET" status='])
def test_a_hostile_line_costs_linear_time(prefix: bytes, piece: bytes) -> None:
    """A megabyte of near misses takes well under a second."""
    line = prefix + piece * (1_000_000 // len(piece))
    began = time.process_time()

    assert parse(line + b"\n", teal_format()).rows == []
    assert time.process_time() - began < 1


def test_an_absent_number_is_a_dash_or_nothing_as_the_format_writes_it() -> None:
    """nginx writes nothing for it with escape=json and none; else a double space is a mismatch."""
    text = "$status $request_method $upstream_response_time end"

    assert rows(text, b"200 GET - end")
    assert rows(text, b"200 GET  end", "none")
    assert rows(text, b"200 GET  end") is None
    assert rows(
        text.replace("$upstream_response_time", '"$upstream_response_time"'), b'200 GET "" end'
    )


def test_no_group_is_possessive() -> None:
    """CPython before 3.11.5 (Debian 12 has 3.11.2) matches possessive groups wrongly."""
    other = LogFormat("json", '{"s":"$status","m":"$request","a":"$upstream_addr"} $uri', "json")
    for line_format in (teal_format(), compile_format(other)):
        for expression in (line_format.exact, line_format.quick):
            assert not re.search(rb"\)(?:[*+?]|\{[^}]*\})\+", expression.pattern)
