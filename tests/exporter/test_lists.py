"""Lists of several upstreams, anywhere in a format: read right or refused by name, never wrong."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nginxlog_exporter.parse.log_format import compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat, LogFormatError
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.parse.variables import COUNTS, SECONDS, is_list

# ingress-nginx's own, see its docs/user-guide/nginx-configuration/log-format.md.
INGRESS = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" $request_length $request_time [$proxy_upstream_name] '
    "[$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length "
    "$upstream_response_time $upstream_status $req_id"
)
BEFORE = (
    '10.0.0.9 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 5 "-" "curl" 100 0.005 '
    "[default-shop-80] [] "
)


def fields(text: str, line: str, escape: str = "default") -> dict[str, str] | None:
    """Return labels and durations of a line, None if it does not match."""
    compiled = compile_format(LogFormat("x", text, escape))
    alone, among = (parse(block.encode(), compiled) for block in (f"{line}\n", f"{line}\n\n"))
    assert list(alone.labels) == list(among.labels)
    return next(
        (
            compiled.labels.decode(compiled.labels.of(row))
            | compiled.times.decode(compiled.times.of(row))
            for row in alone.rows
        ),
        None,
    )


@pytest.mark.parametrize(
    ("addr", "length", "time", "status"),
    [
        ("10.1.0.5:8080", "151", "0.004", "200"),
        ("10.1.0.5:8080, 10.1.0.6:8080", "0, 151", "0.001, 0.004", "502, 200"),
        ("[::1]:80, unix:/run/a.sock, shop", "0, -, 0", "0.001, -, 0.000", "504, 502, 502"),
        ("10.1.0.5:8080 : 10.1.0.6:8080", "0 : 9", "0.001 : 0.002", "200 : 200"),
        ("10.1.0.5:8080 : ", "0 : ", "0.001 : ", "200 : "),
        (", 10.1.0.5:8080", "-, 0", "-, 0.001", "-, 200"),
        ("-", "-", "-", "-"),
    ],
)
@pytest.mark.parametrize("request_id", ["5f0c", ": 500", "502, 200", "-"])
def test_the_default_format_of_ingress_nginx(
    addr: str, length: str, time: str, status: str, request_id: str
) -> None:
    """Retries, redirects, answers from the cache, and what a client sends as X-Request-ID."""
    found = fields(INGRESS, f"{BEFORE}{addr} {length} {time} {status} {request_id}")

    assert found is not None
    assert (found["upstream_addr"], found["upstream_response_time"]) == (addr, time)
    # Of more statuses than servers the first are those of the servers.
    assert found["upstream_status"].startswith(status)
    assert found["status"] == "200"


VALUES = {
    "upstream_addr": st.sampled_from(["10.0.0.1:80", "[::1]:8080", "unix:/run/x.sock", "shop"]),
    **dict.fromkeys(COUNTS, st.integers(0, 10**6).map(str) | st.just("-")),
    **dict.fromkeys(SECONDS, st.integers(0, 10**6).map(lambda n: f"{n / 1000:.3f}") | st.just("-")),
}
OTHERS = {"status": "201", "request_method": "PUT", "request_time": "1.250", "msec": "7.000"}


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    """Return a format, a line of it, and the values that are in it."""
    names = draw(st.permutations([*draw(st.sets(st.sampled_from(list(VALUES)))), *OTHERS]))
    count = draw(st.integers(1, 4))
    separators = draw(st.lists(st.sampled_from([", ", " : "]), min_size=count, max_size=count))
    values = dict(OTHERS)
    for name in names:
        if name in VALUES:
            entries = draw(st.lists(VALUES[name], min_size=count, max_size=count))
            pairs = itertools.chain(*zip(entries, separators, strict=True))
            values[name] = "".join(list(pairs)[:-1])
    between = [
        draw(
            st.sampled_from(
                [" ", "  ", "|", "\t", ";", " | ", '" "', "] [", ",", ',"', ", ", " : "]
            )
        )
        for _ in names
    ]
    text = "".join(f"{sep}${name}" for name, sep in zip(names, between, strict=True))
    line = "".join(f"{sep}{values[name]}" for name, sep in zip(names, between, strict=True))
    return text, line, values


@settings(max_examples=400, deadline=None)
@given(lines())
@example((" $upstream_addr, $status $request_method", " a:1, 200 GET", {}))
def test_a_list_is_read_right_or_refused(made: tuple[str, str, dict[str, str]]) -> None:
    """Whatever stands around it, in any order; a line that does not match is told."""
    text, line, values = made
    try:
        found = fields(text, line)
    except LogFormatError as error:
        assert "put quotes around it" in str(error) or "nothing between" in str(error)  # noqa: PT017
        return
    for name, value in (found or {}).items():
        assert value == values.get(name, value), (text, line)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("$upstream_addr, $status $request_method", "upstream_addr"),
        ("$status $request_method $upstream_response_length, $msec", "upstream_response_length"),
        ("$upstream_status : $status $request_method", "upstream_status"),
        ("$upstream_addr:$status $request_method", "upstream_addr"),
        ("${upstream_header_time}0 $status $request_method", "upstream_header_time"),
        ("$upstream_addr $http_user_agent $status $request_method", "upstream_addr"),
        ("$upstream_something_new $args $status $request_method", "upstream_something_new"),
    ],
)
def test_a_list_without_an_end_is_refused_by_name(text: str, name: str) -> None:
    """At start and by --check-config."""
    with pytest.raises(LogFormatError, match=rf"\${name}.* put quotes around it"):
        compile_format(LogFormat("x", text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("$status,$upstream_addr,$request_method", "200,a:1, b:2,GET"),
        ("[$upstream_addr] $status $request_method", "[[::1]:80, [::1]:81] 200 GET"),
        ("$status $request_method [$upstream_addr]", "200 GET [[::1]:80]"),
        (
            '$status $request_method "$upstream_addr $upstream_status"',
            '200 GET "a:1, b:2 502, 200"',
        ),
        ("$upstream_addr $upstream_addr $status $request_method", "a:1, b:2 a:1, b:2 200 GET"),
        ("$upstream_addr\t$upstream_status\t$status\t$request_method", "a, b\t502, 200\t200\tGET"),
        (
            '{"t":$upstream_header_time,"s":$status,"m":"$request"}',
            '{"t":0.1, 0.2,"s":200,"m":"GET /"}',
        ),
    ],
)
def test_lists_in_odd_places(text: str, line: str) -> None:
    """Brackets, commas, two lists in one pair of quotes, the same list twice."""
    found = fields(text, line)

    assert found is not None
    assert (found["status"], found["request_method"]) == ("200", "GET")


def test_every_variable_of_upstreams_is_a_list_unless_it_is_known_to_be_none() -> None:
    """Also those that nginx will have one day."""
    assert all(map(is_list, (*COUNTS, *SECONDS, "upstream_addr", "upstream_new")))
    assert not is_list("upstream_cache_status")
    assert not is_list("status")
