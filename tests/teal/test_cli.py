"""No user sees a traceback, and every number is checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from requests.utils import should_bypass_proxies

from teal import cli
from teal.stack.layout import BEHIND_GATEWAY

ROOT = Path(__file__).resolve().parents[2]


def _teal(*arguments, code, program="teal", **environment):
    result = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert code == result.returncode, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("drills", "--times", "0"),
        ("latency", "--runs", "0"),
        ("load", "--rate", "0"),
        ("load", "--seconds", "²"),
        ("load", "--seconds", "-1"),
        ("logs", "--lines", "-1"),
        ("mutate", "--jobs", "0"),
        ("torture", "--kills", "0"),
        ("bench", "--runs", "0"),
        ("bench", "--lines", "1e3"),
    ],
)
def test_a_count_that_counts_nothing_is_refused(arguments):
    """Before anything is done or written."""
    program = "tools" if arguments[0] in ("mutate", "torture", "bench") else "teal"
    said = _teal(*arguments, code=2, program=program)

    assert "invalid" in said or "is no whole number from" in said
    assert "Traceback" not in said


def test_part_of_the_drills_is_not_written_as_the_table():
    """docs/drills.md is the table of all."""
    before = (ROOT / "docs" / "drills.md").read_text()
    said = _teal("drills", "--only", "pool killed", "--write", code=1)

    assert "is the table of all drills" in said
    assert before == (ROOT / "docs" / "drills.md").read_text()


def test_a_wrong_file_of_settings_is_one_line(tmp_path):
    """With the file's name and the line's number."""
    file = tmp_path / "wrong.env"
    file.write_text("HTTP_PORT: 80\n")
    said = _teal("status", code=1, TEAL_ENV_FILE=str(file))

    assert f"teal: {file}, line 1: HTTP_PORT is set with a colon" in said
    assert 1 == len(said.splitlines())


def test_a_defect_is_one_line_and_its_details_are_kept(tmp_path):
    """Whatever goes wrong inside."""
    program = (
        "import sys; from pathlib import Path; from teal import cli, commands; "
        "from teal.commands import status; "
        f"cli.CRASH_LOG = Path({str(tmp_path / 'crash.log')!r}); "
        "status.run = lambda *_: 1 / 0; "
        "sys.argv = ['teal', 'status']; sys.exit(cli.main(commands))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/exporter/src"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 1 == result.returncode
    assert result.stderr.startswith("teal: a defect: ZeroDivisionError: division by zero (details:")
    assert 1 == len(result.stderr.splitlines())
    assert "Traceback" in (tmp_path / "crash.log").read_text()


def test_a_lock_that_cannot_be_made_is_told_in_words(tmp_path):
    """With uv's own reason; nothing is written."""
    said = _teal(
        "lock",
        code=1,
        program="tools",
        UV_OFFLINE="1",
        UV_CACHE_DIR=str(tmp_path),
    )

    assert "is left as it was; uv says:" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("host", ["127.0.0.1", BEHIND_GATEWAY, "127.0.0.77", "localhost", "[::1]"])
def test_this_machine_is_never_asked_by_a_proxy(monkeypatch, host):
    """Wherever a part listens on it, and whatever the operator's network needs."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "intranet.example.com")
    cli._never_ask_a_proxy_for_this_machine()

    assert should_bypass_proxies(f"http://{host}:8080/", None)
    assert should_bypass_proxies("http://intranet.example.com/", None)
    assert not should_bypass_proxies("http://example.com/", None)


def test_only_the_command_that_is_called_is_imported():
    """`make status` does not wait for what the others need, nor for the way it does not run."""
    program = (
        "import sys; from teal import cli, commands; sys.argv = ['teal', 'status', '--json']; "
        "cli.main(commands); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT}/exporter/src",
            "RUNTIME": "local",
            "TEAL_DIR": "/nonexistent",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout.split()
    ours = {name for name in loaded if name.startswith(("teal.", "tools"))}

    assert {"teal.commands.status"} == {n for n in ours if n.startswith("teal.commands.")}
    assert "teal.processes.runtime" in ours
    assert not {n for n in ours if n.startswith(("teal.docker.runtime", "teal.drills", "tools"))}
