"""A log that is not there yet, and a reader of it."""

from pathlib import Path

import pytest
from tailing import Reader

from nginxlog_exporter import tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a log that does not exist yet, in a folder whose name is a trap for patterns."""
    folder = tmp_path / "log[1]"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def reader(log: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Provide a reader that need not wait for nginx's workers to reopen their log."""
    monkeypatch.setattr(tail, "QUIET_SECONDS", 0.0)
    return Reader(log)
