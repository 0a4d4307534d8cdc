"""`nginxlog-exporter` is a command of its own: installed from its folder, it works anywhere."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from nginxlog_exporter import __version__

FOLDER = Path(__file__).parents[2] / "exporter"
COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
    ' "$http_referer" "$http_user_agent"'
)
LINE = '10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8"\n'
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install as the README says, into an environment that knows nothing of this repository."""
    environment = tmp_path_factory.mktemp("venv")
    source = tmp_path_factory.mktemp("source") / "exporter"
    # A build leaves folders beside the source.
    shutil.copytree(FOLDER, source, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    venv.create(environment, with_pip=True)
    for what in (["--require-hashes", "--requirement", "requirements.txt"], ["--no-deps", "."]):
        subprocess.run(
            [environment / "bin" / "pip", "install", "--quiet", *what],
            cwd=source,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            check=True,
            timeout=120,
        )
    return environment / "bin" / "nginxlog-exporter"


@pytest.fixture
def run(command: Path, tmp_path: Path) -> Run:
    """Run the installed command in a folder of its own, with nothing in its environment."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments],
            cwd=tmp_path,
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


def test_it_says_what_it_can(run: Run) -> None:
    """--help is for a person, --version for a bug report."""
    assert "usage: nginxlog-exporter" in run("--help").stdout
    assert f"nginxlog-exporter {__version__}\n" == run("--version").stdout


def test_its_dependencies_are_all_there(command: Path) -> None:
    """requirements.txt holds what the package asks for, in versions that fit."""
    checked = subprocess.run(
        [command.with_name("pip"), "check"], capture_output=True, text=True, check=False, timeout=60
    )

    assert (0, "No broken requirements found.\n") == (checked.returncode, checked.stdout)


def test_it_checks_its_settings(run: Run, tmp_path: Path) -> None:
    """Before anything is started."""
    (tmp_path / "access.log").write_text(LINE * 2)
    done = run("--file", "access.log", "--format", COMBINED, "--check-config", "access.log")

    assert (0, "") == (done.returncode, done.stderr)
    assert "2 of 2 lines match" in done.stdout


def test_it_counts_a_whole_log(run: Run, tmp_path: Path) -> None:
    """--once, of a log that somebody sent."""
    (tmp_path / "access.log").write_text(LINE * 3)
    done = run("--once", "access.log", "--format", COMBINED)

    assert (0, "") == (done.returncode, done.stderr)
    assert 'nginxlog_http_requests_total{method="GET",pool="none",status="200"} 3.0' in done.stdout


def test_its_types_are_shipped(command: Path) -> None:
    """Whoever imports it gets what mypy --strict proved; and it is the installed one that runs."""
    python = command.with_name("python")
    shown = subprocess.run(
        [python, "-c", "import nginxlog_exporter as n; print(n.__file__)"],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    package = Path(shown).parent

    assert package.is_relative_to(command.parents[1])
    assert (package / "py.typed").exists()
    assert sys.version_info[:2] == (3, int(package.parents[1].name.removeprefix("python3.")))
