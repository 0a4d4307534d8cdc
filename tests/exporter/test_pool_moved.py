"""A pool that moves: its counters go on where its address of before is named as well."""

import stat
from pathlib import Path

import pytest
from loglines import BLUE, GREEN, line, settings, teal_format

from nginxlog_exporter.pipeline import Pipeline

NEW = "10.0.0.75:8082"


def _read(folder: Path, pools: str) -> Pipeline:
    found = Pipeline(settings(folder, pools=pools), teal_format())
    found.restore()
    found.catch_up()
    found.save()
    return found


def _append(folder: Path, *addresses: str) -> None:
    with (folder / "access.log").open("ab") as log:
        log.write(b"".join(line(upstream_addr=address) for address in addresses))


def test_counters_go_on_where_a_pool_has_a_further_address(tmp_path: Path) -> None:
    """What was counted is kept, and lines that name the address of before are still green's."""
    _append(tmp_path, BLUE, GREEN)
    _read(tmp_path, f"blue={BLUE},green={GREEN}")
    _append(tmp_path, GREEN, NEW)
    after = _read(tmp_path, f"blue={BLUE}|{BLUE},green={NEW}|{GREEN}")

    assert after.resets["settings_changed"] == 0
    assert after.aggregate.responses["green", "2xx"] == 3
    assert after.aggregate.responses["blue", "2xx"] == 1


def test_counters_go_on_after_that_too(tmp_path: Path) -> None:
    """The same settings, once more."""
    moved = f"blue={BLUE},green={NEW}|{GREEN}"
    _append(tmp_path, BLUE)
    _read(tmp_path, f"blue={BLUE},green={GREEN}")
    for _ in range(2):
        after = _read(tmp_path, moved)

    assert after.resets["settings_changed"] == 0
    assert after.aggregate.responses["blue", "2xx"] == 1


@pytest.mark.parametrize(
    "other", [f"blue={NEW},green={GREEN}", f"blue={GREEN},green={BLUE}", f"blue={BLUE}"]
)
def test_other_pools_begin_anew(tmp_path: Path, other: str) -> None:
    """As what was counted as a pool's would not be that pool's now."""
    _append(tmp_path, BLUE, GREEN)
    _read(tmp_path, f"blue={BLUE},green={GREEN}")

    assert _read(tmp_path, other).resets["settings_changed"] == 1


def test_the_snapshot_is_not_for_everybody_on_the_machine(tmp_path: Path) -> None:
    """What is counted may hold names."""
    _append(tmp_path, BLUE)
    _read(tmp_path, f"blue={BLUE},green={GREEN}")

    for path in tmp_path.glob("state.json*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0, path
