"""Whatever ends nginx, or what runs it: nobody is refused, and a slow download goes on."""

import os
import signal

import pytest
from front_clients import Newcomers, SlowDownload

from teal.wait import wait_for

pytestmark = [pytest.mark.timeout(120)]


def _wait_for_another(world, master):
    wait_for(
        lambda: {p.parent for p in world.processes() if p.serves} - {master, 1}
        and world.master() != master,
        what="another master to serve alone",
        seconds=20,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["KILL", "QUIT", "TERM"])
def test_the_master_ends_and_the_next_one_serves_at_once(world, name):
    """With a slow download open, which only TERM may cut: that is what TERM means to nginx."""
    with SlowDownload(world.port) as download, Newcomers(world.port, seconds=30) as clients:
        wait_for(lambda: clients.sent > 200, what="traffic", seconds=10)
        master = world.master()
        os.kill(master, getattr(signal, f"SIG{name}"))
        _wait_for_another(world, master)
        seen = clients.sent
        wait_for(lambda: clients.sent > seen + 400, what="more traffic", seconds=10)
        clients.stop()
        assert download.goes_on() or name == "TERM"

    print(name, clients)
    # TERM closes the connections it has; those that wait in the socket's queue are served.
    assert clients.failed <= (4 if name == "TERM" else 0), str(clients)


def test_the_parent_is_killed_and_the_next_one_takes_nginx_over(world):
    """The same master goes on, and the next parent can hand its sockets over as before."""
    master = world.master()
    with SlowDownload(world.port) as download, Newcomers(world.port, seconds=40) as clients:
        world.parent.kill()
        world.parent.wait()
        world.start_parent()
        wait_for(lambda: "taking over nginx" in world.said(), what="it to say so", seconds=10)
        assert master == world.master()
        os.kill(master, signal.SIGKILL)
        _wait_for_another(world, master)
        clients.stop()
        assert download.goes_on()

    print(clients)
    assert 0 == clients.failed, str(clients)
