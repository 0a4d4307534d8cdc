"""One command at a time: refused by name, free when its holder is gone."""

import os
import signal
import subprocess
import sys

import pytest

from teal.errors import RuntimeFailedError
from teal.settings import load
from teal.stack import exclusive as lock
from teal.stack.exclusive import exclusive

HOLD = """
import subprocess, sys
from teal.stack.exclusive import exclusive, held
from teal.settings import load
with exclusive(load(), "up"):
    child = subprocess.Popen(["sleep", sys.argv[1]], pass_fds=held(), stdout=subprocess.DEVNULL)
    print("held", child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def environment(tmp_path):
    """Return an environment whose stack is in a folder of the test."""
    (tmp_path / "no.env").touch()
    return {**os.environ, "TEAL_DIR": str(tmp_path), "TEAL_ENV_FILE": str(tmp_path / "no.env")}


@pytest.fixture
def holder(environment):
    """Return a function that starts a process which holds the lock, as does a child of its own."""
    started = []

    def start(child_seconds):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(child_seconds)],
            env={**environment, "PYTHONPATH": "."},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append((process, int(process.stdout.readline().split()[1])))
        return process

    yield start
    for process, child in started:
        process.kill()
        process.wait()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_a_second_command_is_told_who_is_at_work(environment, holder):
    """The command, the user, the process and since when."""
    first = holder(60)
    with (
        pytest.raises(RuntimeFailedError, match="is changing this stack") as error,
        exclusive(load(environment), "switch"),
    ):
        pass

    assert "`make up` by " in str(error.value)
    assert f"process {first.pid}, since " in str(error.value)


def test_a_killed_command_is_waited_for_with_all_it_started(environment, holder, capsys):
    """Its Docker Compose may go on for a while; then the next command begins."""
    first = holder(3)
    first.kill()
    first.wait()
    with exclusive(load(environment), "up"):
        assert "was killed; waiting for what it had started" in capsys.readouterr().out


def test_the_lock_is_free_again(environment, tmp_path):
    """However it ended before; and a file that was removed meanwhile is no obstacle."""
    settings = load(environment)
    with exclusive(settings, "up"):
        assert (tmp_path / lock.NAME).read_text().startswith("`make up` by ")
    with exclusive(settings, "clean"):
        lock.remove(settings)
    with exclusive(settings, "up"):
        assert lock.held()
    assert not lock.held()
