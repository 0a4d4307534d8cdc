"""The systemd unit: valid, locked down, able to read the log, and its settings are real ones."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fix_stack import cannot_run

from nginxlog_exporter.config import PREFIX, VARIABLES

FOLDER = Path(__file__).parents[2] / "exporter"
UNIT = FOLDER / "nginxlog-exporter.service"
DEFAULTS = FOLDER / "nginxlog-exporter.default"
COMMAND = "/opt/nginxlog-exporter/bin/nginxlog-exporter"
# On systemd's scale 10 is root without restriction. The network, which an exporter needs, and the
# host's files, which hold the log, are nearly all that is left.
MOST_EXPOSURE = 1.2


def analyze(*arguments: str) -> str:
    """Run systemd-analyze, return what it printed; anything but exit code 0 fails the test."""
    if shutil.which("systemd-analyze") is None:
        cannot_run("systemd-analyze is missing; on Debian: apt-get install systemd")
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert 0 == done.returncode, done.stdout
    return done.stdout


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit with a command that exists here: systemd-analyze looks for it."""
    text = UNIT.read_text()
    assert 1 == text.count(f"ExecStart={COMMAND}\n")
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(COMMAND, str(shutil.which("true"))))
    return copy


def settings_in(path: Path) -> dict[str, str]:
    """Return the assignments of a file, those in comments too."""
    assignment = re.compile(rf"^#?(?:Environment=)?({PREFIX}\w+)=(.*)$", re.MULTILINE)
    return dict(assignment.findall(path.read_text()))


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    """No unknown name, no wrong value."""
    assert "" == analyze("verify", "--man=no", str(unit))


def test_the_exposure_is_low(unit: Path) -> None:
    """As systemd itself judges it."""
    report = analyze("security", "--offline=true", str(unit))
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", report)[1])
    print(f"exposure {exposure} of 10")

    assert exposure <= MOST_EXPOSURE, report


def test_it_has_no_capability_and_may_read_the_log_all_the_same() -> None:
    """Root without capabilities could not: a user of its own is in the group of the log instead."""
    lines = UNIT.read_text().splitlines()
    wanted = ["DynamicUser=yes", "SupplementaryGroups=adm", "CapabilityBoundingSet="]

    assert wanted == [line for line in wanted if line in lines]
    assert [] == [line for line in lines if line.startswith(("User=", "AmbientCapabilities="))]


@pytest.mark.parametrize("path", [UNIT, DEFAULTS], ids=lambda path: path.name)
def test_every_setting_is_one_of_the_exporter(path: Path) -> None:
    """Also those that are commented out."""
    named = set(settings_in(path))

    assert named
    assert set() == named - {variable.name for variable in VARIABLES}


def test_the_defaults_work_as_they_are(tmp_path: Path) -> None:
    """With nginx's own format, which an nginx that nobody configured writes."""
    lines = [line for line in DEFAULTS.read_text().splitlines() if line.startswith(PREFIX)]
    # As systemd reads it: what stands between single quotes is taken as it is.
    environment = {name: value.strip("'") for name, _, value in (x.partition("=") for x in lines)}
    sample = tmp_path / "access.log"
    sample.write_text(
        '10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "nginxlog_exporter", "--check-config", str(sample)],
        env={"PYTHONPATH": str(FOLDER / "src"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=30,
    )

    assert 0 == done.returncode, done.stdout
    assert "1 of 1 lines match" in done.stdout
