"""Any nginx: several logs and patterns, pools without a map, groups of pools, routes, exemplars."""

from pathlib import Path

import pytest
from loglines import BLUE, GREEN, START, line, numbered, settings
from prometheus_client import Metric

from nginxlog_exporter.count.routes import Routes
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import REQUEST_ID, URI, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.tail import followed_logs
from nginxlog_exporter.tail.discovery import log_files

RESPONSES = "nginxlog_http_responses_total"


def pipeline(folder: Path, **flags: str) -> Pipeline:
    """Return a pipeline of these settings that has read what there is."""
    found = settings(folder, **flags)
    extra = [URI] if found.has("routes") else []
    result = Pipeline(found, compile_format(found.log_format, extra=extra))
    result.restore()
    result.catch_up()
    return result


def families(found: Pipeline) -> dict[str, Metric]:
    """Return what a person sees, by name."""
    shown = collector.metrics(found, for_prometheus=False, with_exemplars=True)
    return {family.name: family for family in shown}


def values(found: Pipeline, name: str) -> dict[str, float]:
    """Return the samples of that name that are not 0, by their label values joined by spaces."""
    return {
        " ".join(sample.labels.values()): sample.value
        for family in families(found).values()
        for sample in family.samples
        if sample.name == name and sample.value
    }


def append(path: Path, *lines: bytes) -> None:
    """Write as nginx does."""
    with path.open("ab") as file:
        file.write(b"".join(lines))


def look_again(found: Pipeline) -> None:
    """Have the pipeline look for new logs now."""
    found._logs._discover_at = 0.0
    found.catch_up()


def test_several_logs_are_one_set_of_counters(tmp_path: Path) -> None:
    """Each has its own lines and place; a restart continues all of them."""
    append(tmp_path / "a.log", *numbered(3))
    append(tmp_path / "b.log", *numbered(2))
    files = f"{tmp_path / 'a.log'}, {tmp_path / 'b.log'}"
    pipeline(tmp_path, file=files).save()
    append(tmp_path / "b.log", *numbered(4))
    found = pipeline(tmp_path, file=files)

    assert values(found, RESPONSES) == {"blue 2xx": 9}
    assert values(found, "nginxlog_exporter_lines_total") == {
        f"{tmp_path / 'a.log'} parsed": 3,
        f"{tmp_path / 'b.log'} parsed": 6,
    }


def test_a_new_log_that_fits_the_pattern_is_picked_up(tmp_path: Path) -> None:
    """And read from its beginning, without a restart."""
    append(tmp_path / "a.log", *numbered(1))
    found = pipeline(tmp_path, file=f"{tmp_path}/*.log")
    append(tmp_path / "b.log", *numbered(2))
    look_again(found)

    assert values(found, RESPONSES) == {"blue 2xx": 3}


def test_rotated_files_are_no_logs_of_their_own(tmp_path: Path) -> None:
    """Whatever the pattern: they belong to the log that they were rotated from."""
    for name in ("a.log", "a.log.1", "a.log-20260131", "a.log.2.gz", "b.log"):
        append(tmp_path / name, *numbered(1))
    (tmp_path / "folder.log").mkdir()

    assert [tmp_path / "a.log", tmp_path / "b.log"] == log_files([f"{tmp_path}/*"])
    assert [tmp_path / "a.log-20260131"] == log_files([f"{tmp_path}/a.log-*"])


def test_a_log_of_a_pattern_that_rotates_is_followed(tmp_path: Path) -> None:
    """Also while there is no file of its name, over a restart; the snapshot is no log."""
    log = tmp_path / "a.log"
    append(log, *numbered(1))
    pipeline(tmp_path, file=f"{tmp_path}/*").save()
    append(log, *numbered(2))
    log.rename(f"{log}.1")
    found = pipeline(tmp_path, file=f"{tmp_path}/*")

    assert values(found, RESPONSES) == {"blue 2xx": 3}
    assert [log] == list(found.files)


def test_brackets_in_a_pattern_are_just_brackets(tmp_path: Path) -> None:
    """Folders may be called like that."""
    folder = tmp_path / "log[1]"
    folder.mkdir()
    append(folder / "a.log", *numbered(1))

    assert [folder / "a.log"] == log_files([f"{folder}/*.log"])


def test_too_many_logs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels stay bounded, and what is left out is counted."""
    monkeypatch.setattr(followed_logs, "MAX_LOGS", 2)
    for number in range(5):
        append(tmp_path / f"{number}.log", *numbered(1))
    found = pipeline(tmp_path, file=f"{tmp_path}/*.log")

    assert values(found, RESPONSES) == {"blue 2xx": 2}
    assert values(found, "nginxlog_exporter_ignored_logs") == {"": 3}


def test_reading_may_begin_at_the_end(tmp_path: Path) -> None:
    """Of the logs there are at the first start; a log that comes later is read whole."""
    append(tmp_path / "a.log", *numbered(5))
    found = pipeline(tmp_path, file=f"{tmp_path}/*.log", read_from="end")
    assert values(found, RESPONSES) == {}
    append(tmp_path / "a.log", *numbered(1))
    append(tmp_path / "b.log", *numbered(2))
    look_again(found)

    assert values(found, RESPONSES) == {"blue 2xx": 3}


def test_without_a_map_each_address_is_a_pool(tmp_path: Path) -> None:
    """No pool stands by, so nothing is said of an active one."""
    retry = {"upstream_addr": f"{BLUE}, {GREEN}", "upstream_status": "502, 200"}
    append(tmp_path / "access.log", line(), line(**retry), line(upstream_addr="-", status=404))
    found = pipeline(tmp_path, pools="")

    assert values(found, RESPONSES) == {f"{BLUE} 2xx": 1, f"{GREEN} 2xx": 1, "none 4xx": 1}
    assert values(found, "nginxlog_upstream_attempts_total") == {
        f"{BLUE} {BLUE} 200": 1,
        f"{BLUE} {BLUE} 502": 1,
        f"{GREEN} {GREEN} 200": 1,
    }
    assert values(found, "nginxlog_upstream_response_duration_seconds_count") == {BLUE: 2}
    assert "nginxlog_active_pool" not in families(found)


def test_without_a_map_pools_are_bounded_and_survive_a_restart(tmp_path: Path) -> None:
    """The sixty-fifth address is `other`, also after the restart, and that is counted."""
    append(
        tmp_path / "access.log",
        *[line(upstream_addr=f"10.0.0.{number}:80") for number in range(70)],
    )
    pipeline(tmp_path, pools="").save()
    append(tmp_path / "access.log", line(upstream_addr="10.0.0.69:80"))
    found = pipeline(tmp_path, pools="")

    assert len(values(found, RESPONSES)) == 65
    assert values(found, RESPONSES)["other 2xx"] == 7
    assert values(found, "nginxlog_exporter_label_values_dropped_total") == {"upstream": 7}


def test_groups_of_pools_have_an_active_pool_each(tmp_path: Path) -> None:
    """The shop's failover is none of the api's."""
    pools = "shop/blue=*:1,shop/green=*:2,api/a=*:3,api/b=*:4"

    def served(port: int, at: float) -> bytes:
        return line(upstream_addr=f"127.0.0.1:{port}", msec=f"{START + at:.3f}")

    mixed = [served(port, at) for at in range(9) for port in (1, 3)]
    failover = [served(port, at) for at in range(10, 19) for port in (2, 3)]
    append(tmp_path / "access.log", *mixed, *failover)
    found = pipeline(tmp_path, pools=pools)

    assert values(found, "nginxlog_active_pool") == {"shop/green": 1, "api/a": 1}
    assert values(found, "nginxlog_pool_changes_total") == {"shop/blue shop/green": 1}
    assert values(found, "nginxlog_pool_last_change_timestamp_seconds") == {"shop": START + 14}
    (tmp_path / "desired" / "shop").mkdir(parents=True)
    (tmp_path / "desired" / "shop" / "green").touch()
    declared = pipeline(tmp_path, pools=pools, desired_dir=str(tmp_path / "desired"))
    assert values(declared, "nginxlog_desired_pool") == {"shop/green": 1, "api/a": 1}


def test_what_is_folded_to_other_is_counted(tmp_path: Path) -> None:
    """By label."""
    append(
        tmp_path / "access.log", line(), line(request_method="HACK"), line(status=999), line() * 3
    )

    assert values(pipeline(tmp_path), "nginxlog_exporter_label_values_dropped_total") == {
        "method": 1,
        "status": 1,
    }


@pytest.mark.parametrize(
    ("uri", "route"),
    [
        (b"/api/users/7", "/api/users/:id"),
        (b"/api/users/7?a=/b", "/api/users/:id"),
        (b"/api/users/7/x", "other"),
        (b"/api/users/", "other"),
        (b"/static/", "/static/*"),
        (b"/static/a/b.css", "/static/*"),
        (b"/", "/"),
        (b"//", "other"),
        (b" /api/users/7 HTTP/1.1", "/api/users/:id"),
        (b"", "other"),
        (b"/static/\xff\n", "/static/*"),
    ],
)
def test_a_uri_fits_the_first_template(uri: bytes, route: str) -> None:
    """A segment, or any rest; the query does not count."""
    assert Routes(["/api/users/:id", "/static/*", "/"]).of(uri) == route


@pytest.mark.parametrize(
    "text",
    [
        "$request_method $status $request_uri $request_time",
        '"$request" $status $request_time',
        '$request_method "$request" $status $request_time',
        '$status $request_time $request_method "$uri" x',
    ],
)
def test_routes_are_counted_and_timed(tmp_path: Path, text: str) -> None:
    """Whichever variable of the format tells the URI; they survive a restart."""
    filled = {
        "$request_method": "GET",
        "$request_uri": "/a/1",
        "$request_time": "0.500",
        "$request": "GET /a/1 HTTP/2",
        "$status": "200",
        "$uri": "/a/1",
    }
    one = text
    for name, value in filled.items():
        one = one.replace(name, value)
    append(tmp_path / "access.log", one.encode() + b"\n")
    flags = {"format_file": "", "format": text, "pools": "", "routes": "/a/:id,/b"}
    pipeline(tmp_path, **flags).save()
    append(tmp_path / "access.log", one.replace("/a/1", "/c").encode() + b"\n")
    found = pipeline(tmp_path, **flags)

    assert values(found, "nginxlog_http_route_responses_total") == {"/a/:id 2xx": 1, "other 2xx": 1}
    assert values(found, "nginxlog_http_route_duration_seconds_sum") == {
        "/a/:id": 0.5,
        "other": 0.5,
    }


def test_a_format_without_a_uri_cannot_be_counted_by_route() -> None:
    """Refused at start, by name."""
    with pytest.raises(ValueError, match=r"lacks \$request_uri, without which no route"):
        compile_format(LogFormat("a", "$request_method $status"), extra=[URI])


def test_exemplars_lead_from_a_bucket_to_a_request(tmp_path: Path) -> None:
    """Once OpenMetrics was asked for, each bucket has the id of its last request."""
    found = pipeline(tmp_path)
    families(found)
    append(
        tmp_path / "access.log",
        line(request_time="0.004", request_id="a" * 32),
        line(request_time="0.003", request_id="b" * 32, msec=f"{START + 1:.3f}"),
        line(request_time="7.000", request_id="c" * 32, streaming=1),
    )
    found.catch_up()
    buckets = families(found)["nginxlog_http_request_duration_seconds"].samples
    exemplars = {
        (sample.labels["pool"], sample.labels["le"]): sample.exemplar
        for sample in buckets
        if sample.exemplar
    }

    assert list(exemplars) == [("blue", "0.005")]
    exemplar = exemplars["blue", "0.005"]
    assert exemplar.labels == {REQUEST_ID: "b" * 32}
    assert (exemplar.value, exemplar.timestamp) == (0.003, START + 1)


FORMATS = {
    "json": (
        '{"m":"$request_method","s":"$status","ua":"$http_user_agent","a":"$upstream_addr"}',
        "json",
    ),
    "tabs": ("$status\t$request_method\t$http_user_agent\t$upstream_addr", "default"),
    "unquoted": ("$http_user_agent $upstream_addr $request_method $status", "default"),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "agent", ["curl", r"a\"b", r"a\\", r"\"\\\"", "x y z", "-", "200", "\t", '","s":"500']
)
def test_the_quick_expression_and_the_exact_one_agree(name: str, agent: str) -> None:
    """A line means the same alone and among others, whatever makes its block doubtful."""
    compiled = compile_format(LogFormat("test", *FORMATS[name]))
    text = FORMATS[name][0]
    for variable, value in (
        ("$request_method", "GET"),
        ("$status", "200"),
        ("$http_user_agent", agent),
        ("$upstream_addr", f"{BLUE}, {GREEN}"),
    ):
        text = text.replace(variable, value)
    one = text.encode() + b"\n"
    alone, doubtful = parse(one, compiled), parse(one + b"rubbish\n", compiled)

    assert list(alone.labels) == list(doubtful.labels)[: len(alone.labels)]
    assert alone.lines == 1
    assert doubtful.lines == 2
    matched = compiled.exact.fullmatch(one[:-1])
    assert [compiled.labels.decode(text) for text in alone.labels] == (
        [compiled.labels.decode(compiled.labels.of(matched.groups()))] if matched else []
    )
