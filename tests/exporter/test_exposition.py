"""What Prometheus gets: the metric set, zeros first, and only counters already on the disk."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from loglines import BLUE, FORMAT_FILE, GREEN, START, line, settings, teal_format
from prometheus_client.parser import text_string_to_metric_families

from nginxlog_exporter import cli
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.metrics.families import FAMILIES
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.poll_loop import PollLoop
from nginxlog_exporter.service import _routes
from nginxlog_exporter.web.server import Address, serving

RETRY = {"upstream_addr": f"{BLUE}, {GREEN}", "upstream_status": "502, 200"}


def pipeline(folder: Path, *lines: bytes, **flags: str) -> Pipeline:
    """Return a pipeline that has read a log of these lines."""
    (folder / "access.log").write_bytes(b"".join(lines))
    result = Pipeline(settings(folder, **flags), teal_format())
    result.catch_up()
    return result


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples of an exposition by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def values(found: Pipeline, name: str, *, for_prometheus: bool = False) -> dict[str, float]:
    """Return the samples of that name by their label values, joined by spaces."""
    return {
        " ".join(sample.labels.values()): sample.value
        for family in collector.metrics(found, for_prometheus=for_prometheus)
        for sample in family.samples
        if sample.name == name
    }


def test_once_prints_what_a_log_adds_up_to(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The whole file, its unterminated last line included, as text that Prometheus parses."""
    log = tmp_path / "access.log"
    retry = line(
        **RETRY,
        msec=f"{START + 1:.3f}",
        request_time="1.500",
        upstream_response_time="1.000, 0.500",
        upstream_connect_time="-, 0.002",
    )
    log.write_bytes(line() + retry + b"rubbish\n" + line(request_method="POST")[:-1])

    flags = ["--format-file", str(FORMAT_FILE), "--pools", "blue=*:8081,green=*:8082"]
    assert cli.main(["--once", str(log), *flags]) == 0
    found = samples(capfdbinary.readouterr().out.decode())

    file = ("file", str(log))
    for name, labels, value in (
        ("nginxlog_http_responses_total", {("pool", "blue"), ("class", "2xx")}, 2),
        ("nginxlog_http_responses_total", {("pool", "green"), ("class", "2xx")}, 1),
        ("nginxlog_http_responses_total", {("pool", "none"), ("class", "5xx")}, 0),
        (
            "nginxlog_http_requests_total",
            {("pool", "blue"), ("method", "POST"), ("status", "200")},
            1,
        ),
        ("nginxlog_http_request_duration_seconds_sum", {("pool", "green")}, 1.5),
        ("nginxlog_http_request_duration_seconds_bucket", {("pool", "blue"), ("le", "0.01")}, 0),
        ("nginxlog_http_request_duration_seconds_bucket", {("pool", "blue"), ("le", "0.025")}, 2),
        ("nginxlog_http_response_bytes_total", {("pool", "blue")}, 2000),
        ("nginxlog_http_request_bytes_total", {("pool", "green")}, 200),
        (
            "nginxlog_upstream_attempts_total",
            {("pool", "blue"), ("upstream", BLUE), ("status", "502")},
            1,
        ),
        ("nginxlog_upstream_response_duration_seconds_sum", {("pool", "blue")}, 1.022),
        ("nginxlog_upstream_connect_duration_seconds_count", {("pool", "blue")}, 2),
        ("nginxlog_http_retried_requests_total", {("outcome", "saved")}, 1),
        ("nginxlog_http_retried_requests_total", {("outcome", "failed")}, 0),
        ("nginxlog_upstream_unavailable_total", {("group", "green")}, 0),
        ("nginxlog_active_pool", {("pool", "blue")}, 1),
        ("nginxlog_active_pool", {("pool", "green")}, 0),
        ("nginxlog_pool_changes_total", {("from", "blue"), ("to", "green")}, 0),
        ("nginxlog_pool_release_info", {("pool", "blue"), ("release", "v1")}, 1),
        ("nginxlog_pool_last_request_timestamp_seconds", {("pool", "green")}, START - 0.5),
        ("nginxlog_window_responses", {("class", "2xx")}, 3),
        ("nginxlog_exporter_lines_total", {file, ("result", "parsed")}, 3),
        ("nginxlog_exporter_lines_total", {file, ("result", "unparsed")}, 1),
        ("nginxlog_exporter_unparsed_lines_total", {file, ("reason", "format")}, 1),
        ("nginxlog_exporter_read_bytes_total", {file}, log.stat().st_size),
        ("nginxlog_exporter_file_readable", {file}, 1),
    ):
        assert found[name, frozenset(labels)] == value, (name, labels)
    assert not any(name.endswith("_created") for name, _ in found)
    assert [path.name for path in tmp_path.iterdir()] == ["access.log"]


def test_the_room_left_for_the_log_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nginx sees it: what is kept for root is neither free nor part of the whole."""
    disk = SimpleNamespace(f_frsize=1024, f_blocks=1000, f_bfree=150, f_bavail=100)
    monkeypatch.setattr("os.statvfs", lambda folder: {tmp_path: disk}[folder])
    found = pipeline(tmp_path, line())
    file = str(tmp_path / "access.log")

    assert {file: 100 * 1024} == values(found, "nginxlog_exporter_filesystem_free_bytes")
    assert {file: 950 * 1024} == values(found, "nginxlog_exporter_filesystem_size_bytes")


def test_a_file_system_that_cannot_be_asked_has_no_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none of the rest suffers."""

    def gone(_: Path) -> None:
        raise OSError

    monkeypatch.setattr("os.statvfs", gone)
    found = pipeline(tmp_path, line())

    assert [0] == list(values(found, "nginxlog_exporter_filesystem_size_bytes").values())
    assert [1] == list(values(found, "nginxlog_exporter_file_readable").values())


def test_every_family_is_there_before_the_first_line(tmp_path: Path) -> None:
    """An alert that compares must never wait for a series to appear."""
    found = Pipeline(settings(tmp_path, routes="/a", desired_dir=str(tmp_path)), teal_format())
    families = collector.metrics(found, for_prometheus=True)

    names = {family.name for family in FAMILIES}
    assert {name.removesuffix("_total") for name in names} == {one.name for one in families}
    responses = values(found, "nginxlog_http_responses_total")
    assert len(responses) == 4 * 6
    assert set(responses.values()) == {0}


def test_prometheus_sees_each_new_counter_as_zero_first(tmp_path: Path) -> None:
    """What a series starts with is not an increase; with a zero before it, it is."""
    found = pipeline(tmp_path, line(**RETRY))
    name = "nginxlog_http_retried_requests_total"

    assert values(found, name, for_prometheus=True)["saved"] == 0
    assert values(found, name, for_prometheus=True)["saved"] == 1
    counts = "nginxlog_upstream_response_duration_seconds_count"
    assert values(found, counts, for_prometheus=True)["blue"] == 1


def test_a_look_at_the_page_does_not_use_up_the_zero(tmp_path: Path) -> None:
    """A person, or a script, sees the true number and changes nothing."""
    found = pipeline(tmp_path, line(**RETRY))
    name = "nginxlog_http_retried_requests_total"

    assert values(found, name)["saved"] == 1
    assert values(found, name, for_prometheus=True)["saved"] == 0


def test_what_prometheus_saw_is_on_the_disk(tmp_path: Path) -> None:
    """So that no kill takes a counter back below it; an idle scrape writes nothing."""
    found = pipeline(tmp_path, line(), line())
    collector.metrics(found, for_prometheus=True)
    snapshot = json.loads((tmp_path / "state.json").read_text())

    assert [["blue", "2xx"], 2] in snapshot["aggregate"]["counters"]["responses"]
    saves = found.saves
    collector.metrics(found, for_prometheus=True)
    assert found.saves == saves


def test_a_disk_that_refuses_is_counted_and_does_not_blind(tmp_path: Path) -> None:
    """Counters are shown all the same: seeing is worth more than surviving a kill."""
    folder = tmp_path / "gone"
    folder.mkdir()
    found = pipeline(folder, line())
    shutil.rmtree(folder)

    assert values(found, "nginxlog_http_responses_total")["blue 2xx"] == 1
    assert values(found, "nginxlog_exporter_state_save_errors_total")[""] >= 1


def test_families_whose_variables_are_missing_are_not_shown(tmp_path: Path) -> None:
    """A zero would say that nothing happened."""
    plain = settings(
        tmp_path, format_file="", format="$status $request_method", desired_dir=str(tmp_path)
    )
    found = Pipeline(plain, cli.compile_format(plain.log_format))
    names = {family.name for family in collector.metrics(found, for_prometheus=False)}

    assert "nginxlog_http_responses" in names
    assert "nginxlog_desired_pool" in names
    assert not names & {"nginxlog_active_pool", "nginxlog_http_request_duration_seconds"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """Serve a log of one line; give the address."""
    found = pipeline(tmp_path, line())
    reader = PollLoop(found)
    reader._caught_up = True
    with serving(Address("127.0.0.1", 0), _routes(found, reader)) as address:
        yield f"http://{address}"


def test_the_page_links_to_what_there_is(page: str) -> None:
    """And each link works."""
    text = requests.get(page, timeout=5).text
    for path in ("/metrics", "/-/healthy", "/-/ready"):
        assert f'href="{path}"' in text
        assert requests.get(page + path, timeout=5).ok


def test_metrics_are_served_in_the_format_that_is_asked_for(page: str) -> None:
    """Plain text by default, OpenMetrics for who accepts it; process metrics are part of both."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = requests.get(f"{page}/metrics", headers=accept, timeout=5)
    found = samples(requests.get(f"{page}/metrics", timeout=5).text)

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert found["process_start_time_seconds", frozenset()] > 0


def test_any_other_path_is_not_found(page: str) -> None:
    """404, in plain words."""
    assert requests.get(f"{page}/nothing", timeout=5).status_code == 404


def test_ready_only_while_the_log_is_followed(tmp_path: Path) -> None:
    """503 before the log was read to its end and once the exporter is told to stop."""
    found = pipeline(tmp_path)
    reader = PollLoop(found)
    with serving(Address("127.0.0.1", 0), _routes(found, reader)) as address:
        ready = f"http://{address}/-/ready"
        assert requests.get(ready, timeout=5).status_code == 503
        reader._caught_up = True
        assert requests.get(ready, timeout=5).status_code == 200
        reader.stop()
        assert requests.get(ready, timeout=5).status_code == 503


def test_a_scrape_shows_the_lines_before_it_however_rarely_they_are_looked_for(
    tmp_path: Path,
) -> None:
    """It wakes the reader, so that nothing is late and idling costs nothing."""
    found = pipeline(tmp_path, poll_seconds="60")
    reader = PollLoop(found)
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        with serving(Address("127.0.0.1", 0), _routes(found, reader)) as address:
            key = "nginxlog_http_responses_total", frozenset({("pool", "blue"), ("class", "2xx")})
            for number in range(1, 21):
                with (tmp_path / "access.log").open("ab") as log:
                    log.write(line(request_id=f"{number:032x}"))
                scrapes = (requests.get(f"http://{address}/metrics", timeout=5) for _ in range(50))
                # A scrape on a busy machine may come before the reader.
                assert any(samples(scrape.text)[key] == number for scrape in scrapes)
    finally:
        reader.stop()
        thread.join(5)
