"""What was shown is never less afterwards; and what is begun is kept before anything else."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from loglines import line, numbered, settings, teal_format
from logworld import growing

from nginxlog_exporter import poll_loop
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.tail import lines

ROTATIONS = "nginxlog_exporter_rotations_total"


def started(folder: Path, **flags: str) -> Pipeline:
    """Return an exporter that goes on from the snapshot and has read what there is."""
    pipeline = Pipeline(settings(folder, **flags), teal_format())
    pipeline.restore()
    pipeline.catch_up()
    return pipeline


def append(path: Path, *data: bytes) -> None:
    """Write as nginx does."""
    with path.open("ab") as file:
        file.write(b"".join(data))


def scraped(pipeline: Pipeline) -> dict[object, float]:
    """Scrape as Prometheus does."""
    shown = growing(pipeline, for_prometheus=True)
    return {(name, *sorted(labels.items())): number for name, labels, number in shown}


def counted(pipeline: Pipeline) -> int:
    """Return how many lines were counted."""
    return sum(log.counters.lines["parsed"] for log in pipeline.files.values())


def copy_and_truncate(log: Path, number: int) -> None:
    """Do as logrotate with copytruncate."""
    shutil.copy2(log, f"{log}.{number}")
    os.truncate(log, 0)


@pytest.mark.parametrize("fault", ["a damaged snapshot", "a full disk"])
def test_events_that_were_shown_do_not_become_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Read again after one more rotation, a copytruncate looks like a rename."""
    monkeypatch.setattr("nginxlog_exporter.tail.draining.QUIET_SECONDS", 0.0)
    log = tmp_path / "access.log"
    append(log, *numbered(3))
    pipeline = started(tmp_path)
    before = scraped(pipeline)
    with monkeypatch.context() as disk:
        if fault == "a full disk":
            disk.setattr("os.fsync", refuse)
        copy_and_truncate(log, 1)
        append(log, *numbered(2, first=10))
        pipeline.catch_up()
        before = {key: max(value, before.get(key, 0)) for key, value in scraped(pipeline).items()}
        (tmp_path / "access.log.1").rename(tmp_path / "access.log.2")
        log.rename(tmp_path / "access.log.1")
        append(log, *numbered(2, first=20))
    if fault == "a damaged snapshot":
        snapshot = tmp_path / "state.json"
        content = snapshot.read_bytes()
        snapshot.unlink()
        snapshot.write_bytes(content[:200])
    after = scraped(started(tmp_path))

    assert [key for key, value in before.items() if after.get(key, 0) < value] == []
    assert sum(value for key, value in after.items() if key[0] == ROTATIONS) == 2


def refuse(_: int) -> None:
    """Do as a full disk."""
    raise OSError(28, "No space left on device")


def test_resets_are_counted_on_when_both_snapshots_are_spoiled(tmp_path: Path) -> None:
    """Else the second reset would look like the first."""
    append(tmp_path / "access.log", *numbered(3))
    for times in (1, 2, 3):
        started(tmp_path).save()
        for name in ("state.json", "state.json.copy"):
            path = tmp_path / name
            path.write_bytes(path.read_bytes()[:-5])

        pipeline = started(tmp_path)
        assert pipeline.resets["state_unusable"] == times
        pipeline.save()


@pytest.mark.parametrize("read_from", ["beginning", "end"])
@pytest.mark.parametrize("file", ["access.log", "*.log"])
def test_killed_right_after_the_first_start(tmp_path: Path, read_from: str, file: str) -> None:
    """The first place is kept before the first line is counted."""
    log = tmp_path / "access.log"
    append(log, *numbered(3))
    flags = {"read_from": read_from, "file": str(tmp_path / file)}
    first = Pipeline(settings(tmp_path, **flags), teal_format())
    first.restore()
    first.catch_up(lambda: False)
    append(log, *numbered(2, first=10))
    log.rename(f"{log}.1")
    append(log, *numbered(1, first=20))

    assert counted(started(tmp_path, **flags)) == (6 if read_from == "beginning" else 3)


def test_killed_after_the_first_start_on_an_empty_or_missing_log(tmp_path: Path) -> None:
    """It has no content to be known by, but an inode; one that comes later is begun at once."""
    log = tmp_path / "access.log"
    append(Path(f"{log}.1"), *numbered(5, first=50))
    started(tmp_path)
    log.touch()
    started(tmp_path)
    append(log, *numbered(2))
    Path(f"{log}.1").rename(f"{log}.2")
    log.rename(f"{log}.1")
    append(log, *numbered(1, first=20))

    assert counted(started(tmp_path)) == 3


def test_a_crash_loop_makes_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed again and again while it catches up, it goes on from half of what it had done."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 5000)
    append(tmp_path / "access.log", *numbered(400))
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    done = []
    for _ in range(8):
        pipeline = Pipeline(settings(tmp_path), teal_format())
        pipeline.restore()
        loop = poll_loop.PollLoop(pipeline)

        def turn(loop: poll_loop.PollLoop = loop, until: float = clock[0] + 1.0) -> bool:
            clock[0] += 0.1
            loop._turn()
            return clock[0] < until

        pipeline.catch_up(turn)
        done.append(counted(pipeline))

    assert done == sorted(done)
    assert done[-1] == 400


def test_odd_statuses_and_methods_make_no_series_without_end(tmp_path: Path) -> None:
    """Below 2,000 for two pools, whatever clients and servers invent; sums stay exact."""
    pipeline = started(tmp_path)
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X")
    written = 0
    for status in range(1000):
        append(
            tmp_path / "access.log",
            *(
                line(
                    request_method=methods[(status + number) % 10],
                    status=status,
                    upstream_addr=f"10.0.{status % 250}.{number}:808{number}",
                    upstream_status=status,
                )
                for number in range(4)
            ),
            line(request_method=methods[status % 10], status=status, upstream_addr="-"),
        )
        written += 5
    pipeline.catch_up()
    shown = growing(pipeline)
    statuses = {labels["status"] for _, labels, _ in shown if "status" in labels}

    assert len(shown) < 2000
    assert {"444", "494", "499", "200", "511", "other"} <= statuses
    assert not statuses & {"0", "99", "209", "450", "493", "512", "599", "600", "999"}
    for name in ("nginxlog_http_requests_total", "nginxlog_http_responses_total"):
        assert sum(number for called, _, number in shown if called == name) == written
    of_5xx = [
        n for name, labels, n in shown if "responses" in name and labels.get("class") == "5xx"
    ]
    assert sum(of_5xx) == 500
    assert threading.active_count() < 20
