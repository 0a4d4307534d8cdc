"""The torture run in short; `make torture` is the long one."""

from pathlib import Path

import pytest
from torture import torture


@pytest.mark.parametrize("seed", [3, 4])  # rotated files are numbered, or dated
def test_killed_and_rotated_at_random_the_counters_are_exact(tmp_path: Path, seed: int) -> None:
    """Every line is counted once, nothing that was scraped ever falls, no gap is told."""
    report = torture(kills=8, seed=seed, folder=tmp_path)

    assert report.differences == []
    assert report.kills == 8
    assert report.rotations.total() > 0
