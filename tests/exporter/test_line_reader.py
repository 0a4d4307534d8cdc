"""Single lines, read with nginx's own names by whoever shows them to people."""

import pytest
from loglines import FORMAT_FILE, line

from nginxlog_exporter.parse.line_reader import LineReader
from nginxlog_exporter.parse.nginx_conf import COMBINED, LogFormat

TEAL = LineReader.of_file(FORMAT_FILE)


def test_every_variable_of_the_format_is_read() -> None:
    """Also those that nothing counts; lists as nginx writes them."""
    fields = TEAL.fields(line(request_uri="/a?b", upstream_status="502, 200"))

    assert fields is not None
    assert ("/a?b", "502, 200", "GET") == (
        fields["request_uri"],
        fields["upstream_status"],
        fields["request_method"],
    )
    assert {"time_iso8601", "request_id", "http_user_agent"} <= fields.keys()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_line_may_have_any_end(ending: bytes) -> None:
    """Or none, when somebody has cut it off."""
    assert TEAL.fields(line().rstrip(b"\n") + ending) is not None


@pytest.mark.parametrize("wrong", [b"", b"\n", b"hello\n", line()[:60], line() + line()])
def test_what_does_not_match_has_no_fields(wrong: bytes) -> None:
    """Neither half a line nor two."""
    assert TEAL.fields(wrong) is None


def test_a_request_is_one_field() -> None:
    """Although the exporter takes its first word for the method."""
    read = LineReader(COMBINED).fields(
        b'10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8"\n'
    )

    assert read is not None
    assert ("GET / HTTP/1.1", "200") == (read["request"], read["status"])


def test_a_variable_may_come_twice_and_variables_side_by_side_have_no_name() -> None:
    """The first is enough; where the end of one is cannot be told."""
    reader = LineReader(
        LogFormat("odd", "$request_method $status $status $request_id$remote_user;$msec")
    )

    assert {"request_method": "GET", "status": "200", "msec": "1.000"} == reader.fields(
        b"GET 200 200 abc-;1.000"
    )
