"""A snapshot of every release is read: what it holds goes on, what it lacks began later.

golden/ has one for each, with the logs it was made of. To add one: let that release read some lines
with these settings, take the checksum out and write /var/log/nginx for the folder.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loglines import line

from nginxlog_exporter import config as settings_module
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import URI, compile_format
from nginxlog_exporter.pipeline import Pipeline

GOLDEN = Path(__file__).with_name("golden")
RELEASES = sorted(path.name for path in GOLDEN.iterdir())
POOLS = "green=*:8082,blue=*:8081"
# Without these it is no snapshot.
NEEDED = {("files",), ("settings",), ("aggregate",)}


def snapshot_of(release: str) -> dict[str, Any]:
    """Return the snapshot as it is in the repository."""
    return json.loads((GOLDEN / release / "snapshot.json").read_text())


def installed(folder: Path, release: str, snapshot: dict[str, Any]) -> Path:
    """Lay out a release's logs and this snapshot of it; return where the snapshot is."""
    for source in (GOLDEN / release).glob("access.log*"):
        shutil.copyfile(source, folder / source.name)
    os.utime(folder / "access.log.1", (time.time() - 100,) * 2)
    path = folder / "state.json"
    path.write_text(json.dumps(snapshot).replace("/var/log/nginx", str(folder)))
    return path


def upgraded(folder: Path, release: str, *, pools: str = POOLS) -> Pipeline:
    """Start this release on what an older one has left."""
    settings = settings_module.load(
        {
            "NGINXLOG_FILE": str(folder / "access.log"),
            "NGINXLOG_FORMAT_FILE": str(GOLDEN / release / "format.conf"),
            "NGINXLOG_STATE_FILE": str(folder / "state.json"),
            "NGINXLOG_POOLS": pools,
            "NGINXLOG_ROUTES": "/,/api/:id",
        },
        {},
    )
    pipeline = Pipeline(settings, compile_format(settings.log_format, extra=[URI]))
    pipeline.restore()
    pipeline.catch_up()
    return pipeline


def numbers(pipeline: Pipeline, *, for_prometheus: bool = False) -> dict[object, float]:
    """Return the counters and histograms."""
    return {
        (sample.name, *sorted({**sample.labels, "file": ""}.items())): sample.value
        for family in collector.metrics(pipeline, for_prometheus=for_prometheus)
        if family.type in ("counter", "histogram") and "exporter_state" not in family.name
        for sample in family.samples
    }


@pytest.mark.parametrize("release", RELEASES)
def test_counters_go_on_after_an_upgrade(tmp_path: Path, release: str) -> None:
    """Nothing is reset, counted twice or told as a gap, and no series is 0 again."""
    installed(tmp_path, release, snapshot_of(release))
    pipeline = upgraded(tmp_path, release)
    (counters,) = [log.counters for log in pipeline.files.values()]

    assert sum(pipeline.resets.values()) == 0
    assert counters.lines == {"parsed": 12, "unparsed": 1}
    assert (counters.rotations["rename"], sum(counters.gaps.values())) == (1, 0)
    assert pipeline.aggregate.responses["green", "2xx"] == 7
    assert pipeline.aggregate.tracker.active[""].active == "green"
    assert numbers(pipeline, for_prometheus=True) == numbers(pipeline)
    with (tmp_path / "access.log").open("ab") as log:
        log.write(line(upstream_addr="127.0.0.1:8082"))
    pipeline.catch_up()
    assert pipeline.aggregate.responses["green", "2xx"] == 8


def keys(state: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the path of every key of a snapshot."""
    if isinstance(state, dict):
        for key, value in state.items():
            yield (*path, key)
            yield from keys(value, (*path, key))


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_snapshot_lacks_began_later(tmp_path: Path, release: str) -> None:
    """Each key in turn is missing: the rest is taken over as it is."""
    complete = numbers(_of(tmp_path / "complete", release, snapshot_of(release)))
    for number, path in enumerate(keys(snapshot_of(release))):
        if path in NEEDED or path == ("version",) or "position" in path or path[0] == "settings":
            continue
        if len(path) == 2 and path[0] == "files":
            continue
        snapshot = snapshot_of(release)
        inside = snapshot
        for key in path[:-1]:
            inside = inside[key]
        if {"counts", "sum_ms"} & set(inside):
            continue  # half a histogram is none
        del inside[path[-1]]
        pipeline = _of(tmp_path / str(number), release, snapshot)

        assert sum(pipeline.resets.values()) == 0, path
        found = numbers(pipeline)
        assert found.keys() <= complete.keys(), path
        assert all(found[key] in (0, complete[key]) for key in found), path
        assert sum(found[key] != complete[key] for key in found) < len(complete) / 2, path


def _of(folder: Path, release: str, snapshot: dict[str, Any]) -> Pipeline:
    folder.mkdir()
    installed(folder, release, snapshot)
    return upgraded(folder, release)


def test_keys_of_a_newer_release_do_no_harm(tmp_path: Path) -> None:
    """Who goes back to this one keeps what it knows."""
    snapshot = snapshot_of(RELEASES[0])
    for inside in (snapshot, snapshot["aggregate"], snapshot["aggregate"]["counters"]):
        inside["newer"] = {"a": [1]}
    for log in snapshot["files"].values():
        log["position"]["newer"] = "x"
    pipeline = _of(tmp_path / "new", RELEASES[0], snapshot)

    assert sum(pipeline.resets.values()) == 0
    assert pipeline.aggregate.responses["green", "2xx"] == 7


def test_pools_in_another_order_are_other_pools(tmp_path: Path) -> None:
    """The first pattern that fits decides, and the first pool is the default one."""
    installed(tmp_path, RELEASES[0], snapshot_of(RELEASES[0]))
    upgraded(tmp_path, RELEASES[0]).save()
    other = ",".join(reversed(POOLS.split(",")))

    assert upgraded(tmp_path, RELEASES[0]).resets["settings_changed"] == 0
    changed = upgraded(tmp_path, RELEASES[0], pools=other)
    assert changed.resets["settings_changed"] == 1
    changed.save()
    assert upgraded(tmp_path, RELEASES[0]).resets["settings_changed"] == 2
