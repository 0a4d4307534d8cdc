"""Which pool serves, seen in the log: hysteresis, late lines, the window, the declared pool."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loglines import BLUE, GREEN, POOLS, START, aggregate, counted, line, teal_format

from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pools.desired import MAX_DRILL_SECONDS, DesiredDir
from nginxlog_exporter.pools.pool_map import PoolMap


def served(pool: str, at: float, *, took: float = 0.01, **values: object) -> bytes:
    """Return the line of a request that the pool answered, `at` seconds after the start."""
    return line(
        upstream_addr=BLUE if pool == "blue" else GREEN,
        upstream_http_x_release_id="v1" if pool == "blue" else "v2",
        msec=f"{START + at:.3f}",
        request_time=f"{took:.3f}",
        **values,
    )


def run_of(pool: str, count: int, *, since: float) -> bytes:
    """Return lines of requests in a row, one each second."""
    return b"".join(served(pool, since + i) for i in range(count))


def test_the_first_pool_seen_is_active_and_no_change() -> None:
    """A new exporter must not report a failover."""
    result = counted(served("green", 0))

    assert result.tracker.active[""].active == "green"
    assert sum(result.tracker.active[""].changes.values()) == 0


def test_another_pool_is_active_after_five_requests_in_a_row() -> None:
    """Four are not enough, and the fifth gives the time of the change."""
    four = counted(run_of("blue", 9, since=0), run_of("green", 4, since=10))
    five = counted(run_of("blue", 9, since=0), run_of("green", 5, since=10))

    assert four.tracker.active[""].active == "blue"
    assert five.tracker.active[""].active == "green"
    assert five.tracker.active[""].changes == {("blue", "green"): 1, ("green", "blue"): 0}
    assert five.tracker.active[""].changed_at == START + 14


def test_one_retried_request_now_and_then_changes_nothing() -> None:
    """The row is broken by each request of the active pool."""
    result = counted(*[run_of("green", 4, since=i) + served("blue", i + 5) for i in range(20)])

    assert result.tracker.active[""].active == "green"  # seen first
    assert sum(result.tracker.active[""].changes.values()) == 0


@pytest.mark.parametrize(
    "no_evidence",
    [
        {"status": 502, "upstream_status": 502},
        {"status": 499, "upstream_status": "-"},
        {"status": 404, "upstream_addr": "-"},
        {"status": 502, "upstream_addr": "blue"},
    ],
)
def test_errors_and_nginxs_own_answers_say_nothing_about_who_serves(
    no_evidence: dict[str, object],
) -> None:
    """They neither start nor break a row."""
    silent = line(msec=f"{START + 12:.3f}", **no_evidence)
    result = counted(
        served("blue", 0), run_of("green", 3, since=10), silent * 50, run_of("green", 2, since=13)
    )

    assert result.tracker.active[""].active == "green"


def test_old_requests_that_end_after_a_change_do_not_change_it_back() -> None:
    """WebSockets that began on blue are logged when they end, long after the failover."""
    late = b"".join(
        served("blue", 100 + i, took=99.0 + i, streaming=1, status=101) for i in range(9)
    )
    result = counted(run_of("blue", 5, since=0), run_of("green", 5, since=10), late)

    assert result.tracker.active[""].active == "green"


def test_a_real_way_back_is_a_change() -> None:
    """Requests that began after the change count."""
    result = counted(
        run_of("blue", 5, since=0), run_of("green", 5, since=10), run_of("blue", 5, since=20)
    )

    assert result.tracker.active[""].active == "blue"
    assert result.tracker.active[""].changes == {("blue", "green"): 1, ("green", "blue"): 1}


def test_the_last_request_of_a_pool_is_known_by_its_start() -> None:
    """A request that ends late but began early is not the last one."""
    result = counted(served("blue", 10, took=1), served("blue", 12, took=9))

    assert result.tracker.last_started == {"blue": START + 9, "green": 0.0}


def test_the_window_holds_the_last_requests_only() -> None:
    """Two hundred by default, fewer until there are so many."""
    few = counted(*[line()] * 3, line(status=500))
    many = counted(*[line(status=500)] * 300, *[line()] * 199)

    assert (few.tracker.window.count("2xx"), few.tracker.window.count("5xx")) == (3, 1)
    assert (many.tracker.window.count("2xx"), many.tracker.window.count("5xx")) == (199, 1)


def test_the_release_of_a_pool_is_that_of_its_last_answer() -> None:
    """The previous one is gone."""
    result = counted(served("blue", 0), line(upstream_http_x_release_id="v9"), served("green", 2))

    assert result.tracker.releases == {"blue": "v9", "green": "v2"}


def test_a_release_header_of_endless_values_ends_as_other() -> None:
    """A pool that answers with a new release each time cannot fill Prometheus."""
    result = counted(*[line(upstream_http_x_release_id=f"v{i}") for i in range(100)])

    assert result.tracker.releases == {"blue": "other"}


def test_upstreams_beyond_sixty_four_are_one() -> None:
    """A bound on series, whatever the resolver says."""
    result = counted(*[line(upstream_addr=f"10.0.0.{i}:8081") for i in range(100)])

    assert len({upstream for _, upstream, _ in result.attempts}) == 65
    assert result.attempts["blue", "other", "200"] == 36


def test_the_declared_pool_is_read_off_the_log_where_no_folder_tells_it() -> None:
    """Since when: the start of the first request that had it; late lines do not turn it back."""
    result = counted(
        served("blue", 0),
        served("green", 10, took=1, desired="green"),
        served("blue", 20, took=15, desired="blue"),
    )

    assert result.tracker.declared[""] == ("green", START + 9)


def test_the_declared_pool_is_the_one_with_a_flag_file(tmp_path: Path) -> None:
    """Without a flag, or without the folder, it is the first pool."""
    desired = DesiredDir(tmp_path / "desired", POOLS)

    assert desired.declared("") == ("blue", 0.0)
    desired.path.mkdir()
    assert desired.declared("").pool == "blue"
    (desired.path / "green").touch()
    os.utime(desired.path, (5, 7))
    assert desired.declared("") == ("green", 7.0)


def test_a_drill_is_declared_by_a_file(tmp_path: Path) -> None:
    """It changes nothing about the declared pool; one that was left behind ends by itself."""
    desired = DesiredDir(tmp_path / "desired", POOLS)
    flag = tmp_path / "desired" / ".drill" / "running"
    flag.parent.mkdir(parents=True)
    os.utime(desired.path, (5, 7))

    assert desired.drill_runs() is False
    flag.touch()
    assert desired.drill_runs() is True
    assert desired.declared("") == ("blue", 7.0)
    left_behind = time.time() - MAX_DRILL_SECONDS - 1
    os.utime(flag, (left_behind, left_behind))
    assert desired.drill_runs() is False


def test_patterns_know_no_brackets_but_those_of_ipv6() -> None:
    """Only the asterisk is special."""
    pools = PoolMap({"six": ("[::1]:8081",), "unix": ("unix:/run/*.sock", "[*]:9")})

    assert pools.pool_of("[::1]:8081") == "six"
    assert pools.pool_of(":8081") == "unknown"
    assert pools.pool_of("unix:/run/a.sock") == "unix"
    assert pools.pool_of("[fe80::2]:9") == "unix"


@settings(deadline=None)
@given(
    pools=st.lists(st.sampled_from(["blue", "blue", "green"]), min_size=1, max_size=60),
    cuts=st.sets(st.integers(1, 59)),
)
def test_how_the_log_is_cut_into_blocks_changes_nothing(pools: list[str], cuts: set[int]) -> None:
    """One block, or many: the same counters and the same active pool."""
    lines = [
        served(pool, i, took=(i * 7 % 5) + 0.5, status=500 if i % 11 == 3 else 200)
        for i, pool in enumerate(pools)
    ]
    in_pieces = aggregate(active_after=2)
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    for start, end in pairwise(edges):
        in_pieces.add(parse(b"".join(lines[start:end]), teal_format()))

    expected = counted(*lines, active_after=2).to_state()
    assert expected == {**in_pieces.to_state(), "counters": expected["counters"]}
    for name in ("responses", "requests", "attempts", "retried", "response_bytes"):
        assert getattr(in_pieces, name) == getattr(counted(*lines, active_after=2), name)
    assert POOLS.names == ("blue", "green")
