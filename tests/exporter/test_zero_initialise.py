"""Every reader sees a series as 0 before its number: also the second Prometheus."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from loglines import line, settings, teal_format

from nginxlog_exporter.metrics import collector
from nginxlog_exporter.metrics.zero_initialise import Scraper, ZeroInitialiser
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.poll_loop import PollLoop
from nginxlog_exporter.service import _routes
from nginxlog_exporter.web.server import Address, serving

PROMETHEUS = {"X-Prometheus-Scrape-Timeout-Seconds": "5"}
OLD = ("old", ("a",))
NEW = ("new", ("a",))


def test_each_address_sees_a_zero() -> None:
    """Whoever was there before the series appeared."""
    zeros = ZeroInitialiser()
    assert zeros.zero_initialise([OLD], Scraper("a")) == {OLD}
    assert (
        zeros.zero_initialise([OLD], Scraper("b")) == set()
    )  # it would be a reset after the number

    assert zeros.zero_initialise([OLD, NEW], Scraper("a")) == {NEW}
    assert zeros.zero_initialise([OLD, NEW], Scraper("a")) == set()
    assert zeros.zero_initialise([OLD, NEW], Scraper("b")) == {NEW}
    assert zeros.zero_initialise([OLD, NEW], Scraper("c")) == set()


def test_two_behind_one_address_are_told_apart_by_their_connections() -> None:
    """As long as they keep them; whoever comes anew goes on where the address was."""
    zeros = ZeroInitialiser()
    for connection in (1, 2):
        zeros.zero_initialise([OLD], Scraper("a", connection))

    assert zeros.zero_initialise([OLD, NEW], Scraper("a", 1)) == {NEW}
    assert zeros.zero_initialise([OLD, NEW], Scraper("a", 2)) == {NEW}
    assert zeros.zero_initialise([OLD, NEW], Scraper("a", 3)) == set()
    assert zeros.zero_initialise([OLD, NEW], Scraper("a", 1)) == set()


def test_who_has_seen_what_survives_a_restart() -> None:
    """The second server may scrape after it for the first time."""
    zeros = ZeroInitialiser()
    for address in ("a", "b"):
        zeros.zero_initialise([OLD], Scraper(address))
    zeros.zero_initialise([OLD, NEW], Scraper("a"))
    again = ZeroInitialiser()
    again.restore(zeros.to_state())

    assert again.zero_initialise([OLD, NEW], Scraper("a")) == set()
    assert again.zero_initialise([OLD, NEW], Scraper("b")) == {NEW}


def test_that_a_reader_was_there_is_kept_at_once(tmp_path: Path) -> None:
    """Also if nothing was new to it: what comes next will be."""
    (tmp_path / "access.log").write_bytes(line())
    pipeline = Pipeline(settings(tmp_path), teal_format())
    pipeline.restore()
    pipeline.catch_up()
    for address in ("a", "b"):
        collector.metrics(pipeline, for_prometheus=True, scraper=Scraper(address))
    again = Pipeline(settings(tmp_path), teal_format())
    again.restore()

    assert again.zero_initialise([NEW], Scraper("a")) == {NEW}
    assert again.zero_initialise([NEW], Scraper("b")) == {NEW}


def test_counters_that_begin_anew_are_new_to_all() -> None:
    """What they were before does not count."""
    zeros = ZeroInitialiser()
    for address in ("a", "b"):
        zeros.zero_initialise([OLD], Scraper(address))
    zeros.reset()

    assert zeros.zero_initialise([OLD], Scraper("a")) == {OLD}
    assert zeros.zero_initialise([OLD], Scraper("b")) == {OLD}


def test_readers_without_end_are_not_all_remembered() -> None:
    """A scanner must not fill the memory, nor the snapshot."""
    zeros = ZeroInitialiser()
    for number in range(1000):
        zeros.zero_initialise([OLD], Scraper(str(number), number))

    assert len(zeros.to_state()["readers"]) <= 32
    assert len(zeros._connections) <= 128


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[tuple[Pipeline, str]]:
    """Serve an exporter that reads when it is told to."""
    (tmp_path / "access.log").write_bytes(line())
    pipeline = Pipeline(settings(tmp_path), teal_format())
    pipeline.restore()
    pipeline.catch_up()
    with serving(Address("127.0.0.1", 0), _routes(pipeline, PollLoop(pipeline))) as address:
        yield pipeline, f"http://{address}/metrics"


def scraped(url: str, who: object, **headers: str) -> float | None:
    """Scrape as Prometheus does; return the number of DELETEs."""
    text = who.get(url, headers={**PROMETHEUS, **headers}, timeout=20).text
    found = re.search(r'requests_total{method="DELETE".*} (\S+)', text)
    return float(found[1]) if found else None


@pytest.mark.parametrize("proxied", [False, True])
def test_two_servers_that_scrape_in_turn(
    exporter: tuple[Pipeline, str], tmp_path: Path, proxied: bool
) -> None:
    """Both see 0 and then the number, over connections of their own or through a proxy."""
    pipeline, url = exporter
    headers = [{"X-Forwarded-For": f"10.0.0.{n}"} if proxied else {} for n in (1, 2)]
    with requests.Session() as one, requests.Session() as other:
        servers = [(other if proxied else one, headers[0]), (other, headers[1])]
        assert [scraped(url, who, **h) for who, h in servers] == [None, None]
        with (tmp_path / "access.log").open("ab") as log:
            log.write(line(request_method="DELETE"))
        pipeline.catch_up()
        seen = [[scraped(url, who, **h) for _ in range(3)] for who, h in servers]

    assert seen == [[0, 1, 1], [0, 1, 1]]


def test_one_that_connects_anew_each_time_sees_no_second_zero(
    exporter: tuple[Pipeline, str], tmp_path: Path
) -> None:
    """It would be a reset."""
    pipeline, url = exporter
    scraped(url, requests)
    with (tmp_path / "access.log").open("ab") as log:
        log.write(line(request_method="DELETE"))
    pipeline.catch_up()

    assert [scraped(url, requests) for _ in range(3)] == [0, 1, 1]
