"""A restart continues the counters; a snapshot that cannot be used never stops the exporter."""

import json
from pathlib import Path

import pytest
import requests
from loglines import BLUE, GREEN, START, line, numbered, settings, teal_format

from nginxlog_exporter import snapshot
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.poll_loop import PollLoop
from nginxlog_exporter.service import _routes
from nginxlog_exporter.web.server import Address, serving


def restarted(folder: Path, **flags: str) -> Pipeline:
    """Return a new exporter that went on from the snapshot and read what was new."""
    result = Pipeline(settings(folder, **flags), teal_format())
    result.restore()
    result.catch_up()
    return result


def append(folder: Path, *lines: bytes) -> None:
    """Write to the log as nginx does."""
    with (folder / "access.log").open("ab") as log:
        log.write(b"".join(lines))


def refuse(_: int) -> None:
    """Do as a full disk."""
    raise OSError(28, "No space left on device")


def lines_of(found: Pipeline) -> int:
    """Return how many lines were parsed."""
    return sum(log.counters.lines["parsed"] for log in found.files.values())


def states(found: Pipeline) -> list[dict[str, object]]:
    """Return what is known of each log."""
    return [log.counters.to_state() for log in found.files.values()]


def failover() -> list[bytes]:
    """Return lines that make green the active pool, two of them saved by it."""
    return [
        line(upstream_addr=BLUE, msec=f"{START:.3f}"),
        *[
            line(upstream_addr=GREEN, upstream_http_x_release_id="v2", msec=f"{START + i:.3f}")
            for i in range(1, 6)
        ],
        line(upstream_addr=f"{BLUE}, {GREEN}", upstream_status="502, 200"),
    ]


def test_counters_pool_and_window_survive_a_restart(tmp_path: Path) -> None:
    """All that was counted is as it was, and only new lines are added."""
    append(tmp_path, *failover())
    before = restarted(tmp_path)
    before.save()
    after = restarted(tmp_path)

    assert json.loads(json.dumps(after.aggregate.to_state())) == json.loads(
        json.dumps(before.aggregate.to_state())
    )
    assert states(after) == states(before)
    assert after.aggregate.tracker.active[""].active == "green"
    append(tmp_path, line(upstream_addr=GREEN))
    after.catch_up()
    assert after.aggregate.responses["green", "2xx"] == 7
    assert lines_of(after) == 8


def test_lines_after_the_snapshot_are_read_again(tmp_path: Path) -> None:
    """A kill loses the counters since the snapshot together with the place in the log."""
    append(tmp_path, *numbered(10))
    first = restarted(tmp_path)
    first.save()
    append(tmp_path, *numbered(5, first=10))
    first.catch_up()
    second = restarted(tmp_path)

    assert second.aggregate.responses["blue", "2xx"] == 15


def test_half_a_row_of_requests_survives_a_restart(tmp_path: Path) -> None:
    """Three requests of the other pool before it and two after it are five in a row."""
    other = failover()[1:6]
    append(tmp_path, line(), *other[:3])
    restarted(tmp_path).save()
    append(tmp_path, *other[3:])

    assert restarted(tmp_path).aggregate.tracker.active[""].active == "green"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"version": 99}',
        b'{"version": 1}',
        b'{"version": 1, "files": [], "settings": ""}',
    ],
)
def test_an_unusable_snapshot_is_put_aside_and_counted(tmp_path: Path, content: bytes) -> None:
    """Counters begin anew at the end of the log: what is in it was counted before."""
    append(tmp_path, *numbered(10))
    (tmp_path / "state.json").write_bytes(content)
    found = restarted(tmp_path)
    append(tmp_path, *numbered(3, first=10))
    found.catch_up()
    found.save()

    assert found.resets["state_unusable"] == 1
    assert lines_of(found) == 3
    assert (tmp_path / "state.json.unusable").read_bytes() == content
    again = restarted(tmp_path)
    assert again.resets["state_unusable"] == 1
    assert lines_of(again) == 3


def test_a_snapshot_with_a_broken_part_is_not_half_used(tmp_path: Path) -> None:
    """All of it or none of it."""
    append(tmp_path, *numbered(10))
    restarted(tmp_path).save()
    path = tmp_path / "state.json"
    snapshot = json.loads(path.read_text())
    del snapshot["checksum"]
    snapshot["aggregate"]["history"]["window"] = None
    path.write_text(json.dumps(snapshot))
    found = restarted(tmp_path)

    assert found.aggregate.responses.total() == 0
    assert found.resets["state_unusable"] == 1


def test_other_pools_or_buckets_begin_new_counters_at_the_same_place(tmp_path: Path) -> None:
    """Old counts would stand under wrong labels; no line is counted twice, none is skipped."""
    append(tmp_path, *numbered(10))
    restarted(tmp_path).save()
    append(tmp_path, *numbered(2, first=10))
    found = restarted(tmp_path, pools="red=*:8081")

    assert found.aggregate.responses.total() == found.aggregate.responses["red", "2xx"] == 2
    assert found.resets["settings_changed"] == 1


def test_another_window_or_hysteresis_keeps_the_counters(tmp_path: Path) -> None:
    """They change what is shown, not what was counted."""
    append(tmp_path, *numbered(10))
    restarted(tmp_path).save()
    found = restarted(tmp_path, window="4", active_after="2")

    assert found.aggregate.responses.total() == 10
    assert list(found.aggregate.tracker.window) == ["2xx"] * 4


def test_a_save_that_fails_leaves_the_old_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one takes its place only when it is whole."""
    path = tmp_path / "state.json"
    snapshot.save(path, {"a": 1}, lines=0)

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        snapshot.save(path, {"a": 2}, lines=0)

    assert snapshot.load(path) == {"version": snapshot.VERSION, "a": 1}


def test_what_a_full_disk_did_not_hold_is_read_again_before_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill no counter is lower than before it, although the snapshot is."""
    append(tmp_path, *numbered(10))
    first = restarted(tmp_path)
    collector.metrics(first, for_prometheus=True)
    assert not first.scraped_beyond
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", refuse)
        append(tmp_path, *numbered(5, first=10))
        first.catch_up()
        collector.metrics(first, for_prometheus=True)
    second = Pipeline(settings(tmp_path), teal_format())
    second.restore()
    assert second.scraped_beyond
    with serving(Address("127.0.0.1", 0), _routes(second, PollLoop(second))) as address:
        url = f"http://{address}/metrics"
        assert requests.get(url, timeout=5).status_code == 503
        second.catch_up()
        assert requests.get(url, timeout=5).status_code == 200

    assert second.aggregate.responses["blue", "2xx"] == 15
    collector.metrics(second, for_prometheus=True)
    third = Pipeline(settings(tmp_path), teal_format())
    third.restore()
    assert not third.scraped_beyond


def spoil(folder: Path) -> None:
    """Cut the snapshot off, as a disk error might."""
    path = folder / "state.json"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:100])


def shown(found: Pipeline) -> float:
    """Return what Prometheus is shown of blue's fine responses."""
    families = {f.name: f for f in collector.metrics(found, for_prometheus=True)}
    samples = families["nginxlog_http_responses"].samples
    return sum(s.value for s in samples if s.labels == {"pool": "blue", "class": "2xx"})


def test_after_a_spoiled_snapshot_no_series_is_taken_for_new(tmp_path: Path) -> None:
    """Prometheus has seen their numbers; a 0 again would be a reset."""
    append(tmp_path, *numbered(5))
    first = restarted(tmp_path)
    first.save()
    assert [shown(first), shown(first)] == [0, 5]
    spoil(tmp_path)

    assert shown(restarted(tmp_path)) == 5


def test_a_stop_while_lines_are_read_again_is_no_end_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot of that moment still holds less than what was shown."""
    shown_before_a_full_disk(tmp_path, monkeypatch)
    stopped = Pipeline(settings(tmp_path), teal_format())
    stopped.restore()
    stopped.catch_up(lambda: False)
    stopped.save()
    again = Pipeline(settings(tmp_path), teal_format())
    again.restore()

    assert again.scraped_beyond


def shown_before_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show 15 lines, of which the snapshot holds 10, and be killed."""
    append(folder, *numbered(10))
    first = restarted(folder)
    first.save()
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", refuse)
        append(folder, *numbered(5, first=10))
        first.catch_up()
        assert [shown(first), shown(first)] == [0, 15]


def test_lines_that_were_shown_and_deleted_begin_the_counters_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower number is a restart of the counters to Prometheus: so it is one, and said."""
    shown_before_a_full_disk(tmp_path, monkeypatch)
    (tmp_path / "access.log").unlink()
    again = restarted(tmp_path)

    assert (again.scraped_beyond, again.resets["lines_lost"], shown(again)) == (False, 1, 0)
    append(tmp_path, *numbered(2, first=20))
    again.catch_up()
    assert shown(again) == 2


def test_lines_that_were_shown_and_cannot_be_read_just_now_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown meanwhile, and nothing is lost."""
    shown_before_a_full_disk(tmp_path, monkeypatch)
    with monkeypatch.context() as closed:
        closed.setattr("os.access", lambda path, _: Path(path).name != "access.log")
        closed.setattr("nginxlog_exporter.tail.rotation._open_regular", refuse_to_open)
        again = restarted(tmp_path)
        assert again.scraped_beyond
    again.catch_up()

    assert (again.scraped_beyond, again.resets["lines_lost"], shown(again)) == (False, 0, 15)


def refuse_to_open(path: str, _: int) -> int:
    """Do as the kernel for a file that is somebody else's."""
    raise PermissionError(13, "Permission denied", path)


def test_a_log_that_is_left_out_for_a_while_goes_on_where_it_was(tmp_path: Path) -> None:
    """Its lines must not count twice when it is named again."""
    append(tmp_path, *numbered(10))
    other = tmp_path / "other.log"
    other.touch()
    both = f"{tmp_path / 'access.log'},{other}"
    restarted(tmp_path, file=both).save()
    restarted(tmp_path, file=str(other)).save()
    append(tmp_path, *numbered(2, first=10))

    assert lines_of(restarted(tmp_path, file=both)) == 12
