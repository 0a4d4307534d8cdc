"""The snapshot on disk: whole or not there, and its copy if it is spoiled."""

from pathlib import Path

import pytest
from loglines import numbered, settings, teal_format

from nginxlog_exporter import snapshot
from nginxlog_exporter.pipeline import Pipeline


def test_a_changed_digit_is_noticed(tmp_path: Path) -> None:
    """It would be a counter that is wrong for ever."""
    path = tmp_path / "state.json"
    snapshot.save(path, {"count": 123}, lines=0)
    for place in (path, path.with_name("state.json.copy")):
        place.write_text(place.read_text().replace("123", "124"))

    with pytest.raises(snapshot.StateError, match="checksum"):
        snapshot.load(path)


@pytest.mark.parametrize("spoil", [b"", b'{"version":1,"fil', b"[" * 100_000, b"\0" * 4096])
def test_a_copy_takes_the_place_of_a_spoiled_snapshot(tmp_path: Path, spoil: bytes) -> None:
    """It is just as new, so nothing can fall; the spoiled one is kept for a person to look at."""
    path = tmp_path / "state.json"
    for count in (1, 2):
        snapshot.save(path, {"count": count}, lines=0)
    path.unlink()
    path.write_bytes(spoil)

    for _ in range(2):  # and again after a kill
        assert snapshot.load(path) == {"version": snapshot.VERSION, "count": 2}
    assert path.with_name("state.json.unusable").read_bytes() == spoil


def test_the_snapshot_before_of_an_older_release_takes_that_place(tmp_path: Path) -> None:
    """Version 1.0.0 kept no copy, but the snapshot before; it goes when there is a copy."""
    path, before = tmp_path / "state.json", tmp_path / "state.json.before"
    snapshot.save(path, {"count": 1}, lines=0)
    path.with_name("state.json.copy").rename(before)
    path.write_bytes(b"")

    assert snapshot.load(path) == {"version": snapshot.VERSION, "count": 1}
    assert snapshot.scraped_beyond(path)
    snapshot.save(path, {"count": 2}, lines=0)
    assert not before.exists()


def test_a_snapshot_that_was_removed_is_a_new_beginning(tmp_path: Path) -> None:
    """Removing it is how one resets the counters; its copy must not come back."""
    path = tmp_path / "state.json"
    for count in (1, 2):
        snapshot.save(path, {"count": count}, lines=0)
    path.unlink()

    assert snapshot.load(path) is None


def test_the_file_is_on_the_disk_before_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order a power cut leaves the old snapshot or the new one, nothing else."""
    done = []
    monkeypatch.setattr("os.fsync", lambda _: done.append("fsync"))
    really_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return really_replace(self, target)

    monkeypatch.setattr("pathlib.Path.replace", replace)
    snapshot.save(tmp_path / "state.json", {}, lines=0)

    assert done == ["fsync", "fsync", "rename", "rename", "fsync"]


def test_lines_are_exact_after_the_snapshot_was_spoiled(tmp_path: Path) -> None:
    """What came after it is read again."""
    log = tmp_path / "access.log"
    pipeline = Pipeline(settings(tmp_path), teal_format())
    for first in (0, 5):
        with log.open("ab") as file:
            file.write(b"".join(numbered(5, first=first)))
        pipeline.catch_up()
        pipeline.save()
    path = tmp_path / "state.json"
    path.write_bytes(path.read_bytes()[:100])
    again = Pipeline(settings(tmp_path), teal_format())
    again.restore()
    again.catch_up()

    assert again.aggregate.responses["blue", "2xx"] == 10
