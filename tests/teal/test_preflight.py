"""What is wrong is said before a minute of installing, and needs nothing that is installed."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fix_stack import PORTS, free_ports

from teal.errors import SettingsError, SetupError
from teal.stack import preflight

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Provide a clone in which nothing is installed yet; return its file of settings."""
    monkeypatch.setenv("TEAL_DIR", str(tmp_path))
    monkeypatch.setenv("TEAL_ENV_FILE", str(tmp_path / "env"))
    return tmp_path / "env"


def test_a_wrong_setting_comes_first(fresh):
    """In the words of later."""
    fresh.write_text("HTTP_PORT: 80\n")

    with pytest.raises(SettingsError, match="line 1: HTTP_PORT is set with a colon"):
        preflight.check()


def test_a_taken_port_comes_first(fresh):
    """By name, with the setting that moves it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # A stack with the default ports may run beside the tests.
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) | {"PROMETHEUS_PORT": port}
        fresh.write_text("".join(f"{name}={number}\n" for name, number in ports.items()))

        with pytest.raises(SetupError, match=f"port {port} .prometheus. .*set PROMETHEUS_PORT"):
            preflight.check()


def test_a_stack_that_was_started_holds_its_own_ports(fresh):
    """What is taken by it is told apart later."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        fresh.write_text(f"PROMETHEUS_PORT={taken.getsockname()[1]}\n")
        (fresh.parent / "runtime").write_text("local\n")

        preflight.check()


def test_it_needs_the_standard_library_only():
    """It runs before there is anything else."""
    program = (
        "import sys; before = set(sys.modules); import teal.stack.preflight; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=20,
    ).stdout.split()  # fmt: skip

    assert set(loaded) <= {*sys.stdlib_module_names, "teal"}
