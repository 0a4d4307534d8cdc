"""The process that runs nginx, in less ordinary trouble."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from front_clients import Newcomers, SlowDownload

from teal.processes import nginx_processes
from teal.wait import wait_for

pytestmark = [pytest.mark.timeout(120)]

NO_COPIES = (
    "import teal.processes.nginx_processes as n; n.copy_socket = lambda *_: None; "
    "import sys; from teal.front_door import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def _without_copies(monkeypatch, make_world):
    """Parents that the kernel gives no copy of another process' socket."""
    popen = subprocess.Popen

    def start(command, **options):
        if command[1:3] == ["-m", "teal.front_door"]:
            command = [sys.executable, "-c", NO_COPIES, *command[3:]]
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", start)


def _another_master(world, old):
    wait_for(
        lambda: (
            [p for p in world.processes() if p.is_master and p.pid != old]
            and all(p.parent not in (old, 1) for p in world.processes() if p.serves)
        ),
        what="another master to serve",
        seconds=20,
    )


@pytest.mark.usefixtures("_without_copies")
def test_where_sockets_cannot_be_copied_it_takes_a_blink(world):
    """An old kernel, or an nginx with file capabilities: as without us, nobody waits for long."""
    with SlowDownload(world.port) as download, Newcomers(world.port, seconds=60) as clients:
        world.parent.kill()
        world.parent.wait()
        world.start_parent()
        wait_for(lambda: "taking over nginx" in world.said(), what="it to say so", seconds=10)
        master = world.master()
        os.kill(master, signal.SIGKILL)
        _another_master(world, master)
        seen = clients.sent
        wait_for(lambda: clients.sent > seen + 400, what="more traffic", seconds=10)
        clients.stop()
        assert download.goes_on()

    print(clients)
    assert clients.refused_for < 1, str(clients)


def test_the_parent_and_the_master_are_killed(world):
    """The workers are all that is left; they keep the port, and the next parent gets it of them."""
    with SlowDownload(world.port) as download, Newcomers(world.port, seconds=60) as clients:
        master = world.master()
        world.parent.kill()
        os.kill(master, signal.SIGKILL)
        world.parent.wait()
        world.start_parent()
        _another_master(world, master)
        clients.stop()
        assert download.goes_on()

    print(clients)
    assert 0 == clients.failed, str(clients)


def test_a_stop_refuses_soon_and_lets_a_download_finish(world):
    """What stopped does not answer; what was promised is delivered without anybody's help."""
    with SlowDownload(world.port, path="/drip?seconds=8") as download:
        world.signal("QUIT")
        assert 0 == world.parent.wait(10)
        with pytest.raises(ConnectionRefusedError):
            wait_for(
                lambda: socket.create_connection(("127.0.0.1", world.port)).close(),
                what="the port to be closed",
                seconds=10,
            )
        assert 8 * 10 * 4096 == download.read_all(seconds=30)
    wait_for(lambda: not world.processes(), what="nginx to end", seconds=10)


def test_a_restart_by_the_supervisor_refuses_nobody(world):
    """Stopped and started again, with a download open, at 400 requests a second."""
    with SlowDownload(world.port) as download, Newcomers(world.port, seconds=60) as clients:
        wait_for(lambda: clients.sent > 200, what="traffic", seconds=10)
        world.signal("QUIT")
        world.parent.wait(10)
        world.start_parent()
        seen = clients.sent
        wait_for(lambda: clients.sent > seen + 400, what="more traffic", seconds=10)
        clients.stop()
        assert download.goes_on()

    print(clients)
    assert 0 == clients.failed, str(clients)


def test_a_port_that_another_program_took_is_named_and_had_once_it_is_free(world):
    """It goes on trying, without a supervisor's growing pauses."""
    world.stop_parent()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", world.port))
        taken.listen()
        world.start_parent(opens=False)
        words = f"cannot listen at 127.0.0.1:{world.port}: Address already in use"
        wait_for(lambda: words in world.said(), what="it to say so", seconds=10)
    wait_for(world.is_open, what="nginx to answer", seconds=10)
    assert 1 == world.said().count(words)


def test_a_worker_that_hangs_is_killed_in_the_end(make_world):
    """It cannot keep its own limit."""
    world = make_world(DRAIN_TIMEOUT="1s")
    master = world.master()
    worker = next(p.pid for p in world.processes() if p.serves)
    os.kill(worker, signal.SIGSTOP)
    os.kill(master, signal.SIGKILL)
    _wait_gone(worker, seconds=40)

    assert f"killing {worker}, which does not finish" in world.said()
    assert world.is_open()


def test_a_master_that_cannot_start_is_started_again(world):
    """When what it lacked is there; the workers of before serve meanwhile."""
    current = world.layout.nginx / "current"
    target = current.readlink()
    current.unlink()
    os.kill(world.master(), signal.SIGKILL)
    wait_for(
        lambda: world.said().count("nginx does not start (exit 1)") > 1, what="two tries",
        seconds=20,
    )  # fmt: skip
    assert world.is_open()
    current.symlink_to(target)
    wait_for(
        lambda: any(p.is_master for p in world.processes())
        and "shutting down" not in str(world.processes()),
        what="it to serve", seconds=20,
    )  # fmt: skip
    assert world.is_open()


def test_other_nginx_of_this_machine_are_left_alone(world, tmp_path):
    """They are known by their folder, not by their name."""
    assert world.processes()
    assert [] == nginx_processes.find(tmp_path)
    assert {os.getpid()} & {p.pid for p in world.processes()} == set()


def _wait_gone(pid, *, seconds):
    wait_for(
        lambda: not Path(f"/proc/{pid}/cwd").is_symlink(), what=f"{pid} to be gone", seconds=seconds
    )
