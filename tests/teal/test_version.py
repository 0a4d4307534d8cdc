"""One version, said once, with a dated section in CHANGELOG.md."""

import re
import subprocess
import sys
from pathlib import Path

import teal

ROOT = Path(__file__).resolve().parents[2]
RELEASES = re.findall(
    r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
)


def test_the_newest_release_is_this_version():
    """Whoever reads the changelog sees what runs."""
    assert RELEASES[0][0] == teal.__version__


def test_releases_stand_in_order_and_dated():
    """Newest first."""
    numbers = [tuple(map(int, version.split("."))) for version, _ in RELEASES]

    assert sorted(numbers, reverse=True) == numbers
    assert sorted((date for _, date in RELEASES), reverse=True) == [date for _, date in RELEASES]


def test_the_commands_say_it():
    """With nothing running."""
    said = subprocess.run(
        [sys.executable, "-m", "teal", "--version"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=20,
    ).stdout  # fmt: skip

    assert f"Teal {teal.__version__}\n" == said
