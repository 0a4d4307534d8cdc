"""Lines become rows, rows become requests; nothing raises and nothing disappears."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loglines import BLUE, GREEN, POOLS, aggregate, counted, line, teal_format

from nginxlog_exporter.count.classifier import interpret
from nginxlog_exporter.count.durations import REQUEST, RESPONSE
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.parse.records import Attempt, Request
from nginxlog_exporter.parse.values import split_list

FORMAT = teal_format()


def meaning(**values: object) -> Request:
    """Return what a line with these variables means."""
    (row,) = parse(line(**values), FORMAT).rows
    return interpret(FORMAT.labels.decode(FORMAT.labels.of(row)), POOLS)


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=200), st.just(line()[:-1]))))
def test_any_bytes_are_parsed_or_counted_as_unparsed(lines: list[bytes]) -> None:
    """Rows and unparsed lines add up to the lines there are, and counting them never raises."""
    block = b"".join(one.replace(b"\n", b"") + b"\n" for one in lines)
    parsed = parse(block, FORMAT)
    aggregate().add(parsed)

    assert parsed.lines == len(lines)


_TEXT = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters='"'), max_size=30
)


@settings(deadline=None)
@given(
    values=st.fixed_dictionaries(
        {
            "request_method": _TEXT,
            "upstream_addr": _TEXT,
            "upstream_status": _TEXT,
            "upstream_http_x_release_id": _TEXT,
            "request_uri": _TEXT,
            "desired": _TEXT,
            "status": st.integers(0, 10**17).map(str) | st.just("-"),
            "request_time": st.sampled_from(["-", "0.000", "999999999999.999", "7"]),
            "upstream_response_time": st.sampled_from(["-, 1.0", "1 : -", "", "-", "1.5, 2, 3"]),
            "msec": st.sampled_from(["-", "1.5", "1790000000.123"]),
            "bytes_sent": st.sampled_from(["-", "0", "9" * 18]),
        }
    )
)
def test_whatever_the_variables_hold_the_line_is_counted_once(values: dict[str, str]) -> None:
    """A well-formed line is one response, in one class, whatever stands in it."""
    result = counted(line(**values))

    assert result.responses.total() == 1
    assert result.requests.total() == 1


def test_a_retry_is_two_attempts_and_the_last_one_answered() -> None:
    """`502, 200` is a failed attempt at blue that green saved."""
    request = meaning(upstream_addr=f"{BLUE}, {GREEN}", upstream_status="502, 200", status=200)

    assert request.pool == "green"
    assert request.retried == "saved"
    assert request.attempts == (Attempt(0, "blue", BLUE, "502"), Attempt(1, "green", GREEN, "200"))


def test_a_retry_that_fails_too_is_no_saving() -> None:
    """The client got the error."""
    request = meaning(upstream_addr=f"{BLUE}, {GREEN}", upstream_status="502, 502", status=502)

    assert request.retried == "failed"
    assert not request.served


def test_an_internal_redirect_is_a_list_too() -> None:
    """nginx writes ` : ` between groups of servers."""
    assert split_list("200 : 200") == ["200", "200"]
    assert split_list("a:1, b:2 : c:3") == ["a:1", "b:2", "c:3"]


@pytest.mark.parametrize("absent", ["-", ""])
def test_a_request_that_nginx_answered_itself_has_no_pool(absent: str) -> None:
    """`-` and nothing mean absent; they are no error and no attempt."""
    request = meaning(
        upstream_addr=absent,
        upstream_status=absent,
        upstream_response_time=absent,
        upstream_connect_time=absent,
        upstream_http_x_release_id=absent,
        status=404,
    )

    assert (request.pool, request.attempts, request.groups) == ("none", (), ())
    assert request.release is None
    assert not request.served


def test_a_group_name_instead_of_an_address_means_no_live_server() -> None:
    """The group is named; there was no attempt, and nobody served."""
    request = meaning(upstream_addr="blue", upstream_status="502", status=502)

    assert (request.pool, request.groups, request.attempts) == ("none", ("blue",), ())


def test_a_group_name_after_an_attempt_leaves_the_pool_of_the_attempt() -> None:
    """The pool is that of the last attempt that has an address."""
    request = meaning(upstream_addr=f"{BLUE}, blue", upstream_status="502, 502", status=502)

    assert (request.pool, request.groups) == ("blue", ("blue",))
    assert request.retried is None


@pytest.mark.parametrize("address", ["[::1]:8081", "unix:/run/a.sock", "10.1.2.3:9999"])
def test_addresses_of_every_form_are_addresses(address: str) -> None:
    """IPv6, a socket's path, a server nobody configured."""
    request = meaning(upstream_addr=address)

    assert request.groups == ()
    assert request.pool == ("blue" if address.endswith("8081") else "unknown")


@pytest.mark.parametrize("method", ["PROPFIND", "get", "", "-", "X" * 500])
def test_unknown_methods_are_one_label_value(method: str) -> None:
    """A client cannot make series."""
    assert meaning(request_method=method).method == "other"


@pytest.mark.parametrize(
    ("status", "shown", "group"), [(204, "204", "2xx"), (999, "other", "other")]
)
def test_statuses_beyond_http_are_one_label_value(status: int, shown: str, group: str) -> None:
    """100 to 599 are themselves."""
    request = meaning(status=status)

    assert (request.status, request.status_class) == (shown, group)


def test_an_attempt_without_a_status_has_the_status_none() -> None:
    """nginx writes `-` when the client left before an answer."""
    assert meaning(upstream_status="-").attempts[0].status == "none"
    assert meaning(upstream_status="-", status=499).served is False


@pytest.mark.parametrize(("streaming", "status"), [(1, 200), (0, 101)])
def test_streams_are_counted_but_not_timed(streaming: int, status: int) -> None:
    """An hour of WebSocket would be the slowest request of all."""
    result = counted(line(streaming=streaming, status=status, request_time="3600.000"))

    assert result.responses.total() == 1
    assert result.durations.read(REQUEST)["blue"].read()[1] == 0
    assert result.durations.read(RESPONSE)["blue"].read()[0][-1] == 0


def test_raw_bytes_in_a_line_are_survived() -> None:
    """nginx escapes them by default; escape=none or another program does not."""
    block = line(http_user_agent="\udcff\udc80") + line(upstream_http_x_release_id="\udcff")

    assert parse(block, FORMAT).lines == len(parse(block, FORMAT).rows) == 2


def test_an_unparsed_line_is_counted_with_its_reason() -> None:
    """Its neighbours are parsed all the same."""
    parsed = parse(line() + b"rubbish\n" + b"\xff\n" + b"\n" + line(), FORMAT)

    assert len(parsed.rows) == 2
    assert parsed.unparsed == {"format": 2, "encoding": 1}
    assert parsed.first_unparsed == b"rubbish"


def test_a_line_cut_in_its_fields_is_unparsed() -> None:
    """Half a line is no request."""
    half = line()[: line().index(b"request_length")]

    assert parse(half + b"\n", FORMAT).unparsed == {"format": 1}
