"""Logs in odd places: begun at the end, in a closed folder, spelled otherwise, not UTF-8, huge."""

import gzip
import os
import threading
import time
from pathlib import Path

import pytest
from loglines import line, numbered, settings, teal_format
from prometheus_client.exposition import generate_latest
from tailing import Reader as TailReader

from nginxlog_exporter import poll_loop, service
from nginxlog_exporter.count import durations
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import URI, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.tail import followed_logs, lines, rewindable_gzip


def counted(pipeline: Pipeline) -> int:
    """Return how many lines were counted."""
    return sum(log.counters.lines["parsed"] for log in pipeline.files.values())


def append(path: Path, *data: bytes) -> None:
    """Write as nginx does."""
    with path.open("ab") as file:
        file.write(b"".join(data))


def started(folder: Path, **flags: str) -> Pipeline:
    """Return an exporter that was started and has read what there is."""
    pipeline = Pipeline(settings(folder, **flags), teal_format())
    pipeline.restore()
    pipeline.catch_up()
    return pipeline


def test_old_lines_stay_uncounted_over_a_restart(tmp_path: Path) -> None:
    """Begun at the end of a quiet log, and killed before the first new line."""
    log = tmp_path / "access.log"
    append(log, *numbered(10))
    first = started(tmp_path, read_from="end")
    first.save()
    append(log, *numbered(2, first=10))

    assert (counted(first), counted(started(tmp_path, read_from="end"))) == (0, 2)


def test_old_lines_stay_uncounted_after_an_unusable_snapshot(tmp_path: Path) -> None:
    """They were counted before; the next start must not begin at the beginning either."""
    append(tmp_path / "access.log", *numbered(10))
    (tmp_path / "state.json").write_text("nonsense")
    started(tmp_path).save()

    assert counted(started(tmp_path)) == 0


def test_a_log_that_comes_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    """All its lines are new, whatever is said of those that are there."""
    pipeline = started(tmp_path, read_from="end")
    append(tmp_path / "access.log", *numbered(3))
    pipeline.catch_up()

    assert counted(pipeline) == 3


@pytest.mark.parametrize("file", ["access.log", "*.log"])
def test_a_folder_that_may_not_be_entered_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """As root may everything, the kernel's refusal is played."""
    append(tmp_path / "access.log", *numbered(3))
    pipeline = Pipeline(settings(tmp_path, file=str(tmp_path / file)), teal_format())
    really_stat = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if path.name.startswith("access"):
            raise PermissionError(13, "Permission denied")
        return really_stat(path, **options)

    with monkeypatch.context() as closed:
        closed.setattr("pathlib.Path.stat", stat)
        pipeline.catch_up()
        assert [log.readable for log in pipeline.files.values()] == [False]
    pipeline.catch_up()

    assert counted(pipeline) == 3


@pytest.mark.parametrize("spelled", ["{}/./access.log", "{}//access.log", "{}/./*.log"])
def test_a_path_may_be_spelled_in_any_way(tmp_path: Path, spelled: str) -> None:
    """It is the same log."""
    append(tmp_path / "access.log", *numbered(3))

    assert counted(started(tmp_path, file=spelled.format(tmp_path))) == 3


def test_a_name_that_is_no_utf_8_is_shown(tmp_path: Path) -> None:
    """Somebody else's file must not take all metrics away."""
    append(tmp_path / os.fsdecode(b"caf\xe9.log"), *numbered(3))
    pipeline = started(tmp_path, file=str(tmp_path / "*.log"))
    shown = generate_latest(service.Families(collector.metrics(pipeline, for_prometheus=False)))

    assert "caf\N{REPLACEMENT CHARACTER}.log" in shown.decode()
    assert counted(started(tmp_path, file=str(tmp_path / "*.log"))) == 3


def test_a_compressed_log_is_unpacked_once(
    log: Path, reader: TailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not anew for each block, which would take hours for a large one."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 5000)
    first = b"".join(numbered(1))
    log.write_bytes(first)
    assert reader.read() == first
    rest = b"".join(numbered(200, first=1))
    append(log, rest)
    log.with_name("access.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    log.touch()
    rewound = []
    monkeypatch.setattr(gzip._GzipReader, "_rewind", _counting(rewound))
    reader.restart()

    assert reader.read() == rest
    assert len(rewound) < 10


def _counting(calls: list[int]):
    really = gzip._GzipReader._rewind

    def rewind(self: gzip._GzipReader) -> None:
        calls.append(1)
        really(self)

    return rewind


def test_going_back_in_a_compressed_file_gives_the_same_bytes(tmp_path: Path) -> None:
    """Near and far, and across what was kept."""
    data = os.urandom(700_000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(data, 1))
    with rewindable_gzip.RewindableGzipFile(path, "rb") as file:
        for start, size in ((0, 300_000), (299_000, 100_000), (100_000, 5), (390_000, 310_000)):
            file.seek(start)
            assert file.read(size) == data[start : start + size]


def test_a_line_that_is_cut_swallows_no_other(tmp_path: Path) -> None:
    """Also where the URI is captured for its route, and nothing that is not."""
    text = LogFormat("short", "$request_method $status $request_uri $host")
    block = b"GET 200 /a h\nGET 200 /b\nGET 200 /c h\n"
    parsed = parse(block, compile_format(text, extra=[URI]))

    assert (len(parsed.rows), parsed.unparsed.total()) == (2, 1)


def test_durations_of_many_servers_stay_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them together, not each."""
    monkeypatch.setattr(durations, "_MAX_PENDING", 50)
    pipeline = Pipeline(settings(tmp_path, pools=""), teal_format())
    for server in range(40):
        block = b"".join(
            line(upstream_addr=f"10.0.0.{server}:80", request_time=f"0.{n:03}") for n in range(5)
        )
        pipeline.aggregate.add(parse(block, teal_format()))
        assert sum(map(len, pipeline.aggregate.durations._pending.values())) <= 50


def test_a_long_catch_up_is_saved_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill must not cost all of it."""
    append(tmp_path / "access.log", *numbered(300))
    monkeypatch.setattr(lines, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(poll_loop, "SAVE_SECONDS", 0.0)
    pipeline = Pipeline(settings(tmp_path), teal_format())
    saves = []
    monkeypatch.setattr(pipeline, "save", lambda: saves.append(counted(pipeline)))
    thread = threading.Thread(target=poll_loop.PollLoop(pipeline).run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while counted(pipeline) < 300 and time.monotonic() < deadline:
        thread.join(0.05)

    assert [count for count in saves if 0 < count < 300]


def test_a_reader_that_looks_rarely_is_healthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for its time, and does not hang."""
    loop = poll_loop.PollLoop(Pipeline(settings(tmp_path, poll_seconds="60"), teal_format()))
    loop._turn()
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 80)
    assert loop.is_healthy()
    monkeypatch.setattr("time.monotonic", lambda: now + 100)

    assert not loop.is_healthy()


def test_logs_that_are_gone_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a log for each day, which never comes back."""
    monkeypatch.setattr(followed_logs, "MAX_LOGS", 3)
    monkeypatch.setattr(followed_logs, "DISCOVER_SECONDS", 0.0)
    pipeline = started(tmp_path, file=str(tmp_path / "*.log"))
    for day in range(10):
        log = tmp_path / f"day{day}x.log"
        append(log, *numbered(1))
        pipeline.catch_up()
        assert pipeline.files[log].counters.lines["parsed"] == 1
        log.unlink()
        pipeline.catch_up()

    assert pipeline.ignored_files == 0
