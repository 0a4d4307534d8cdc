"""The torture run in short; `make torture` is the long one."""

from pathlib import Path

from torture import torture


def test_killed_and_rotated_at_random_the_counters_are_exact(tmp_path: Path) -> None:
    """Every line is counted once, nothing that was scraped ever falls, no gap is told."""
    report = torture(kills=12, seed=3, folder=tmp_path)

    assert report.differences == []
    assert report.kills == 12
    assert report.rotations.total() > 0
