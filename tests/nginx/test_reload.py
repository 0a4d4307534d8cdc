"""What a reload costs those who are connected: nothing."""

import pytest
from front_clients import KeepAlive, SlowDownload

from teal.wait import wait_for

pytestmark = [pytest.mark.timeout(120)]

RELOADS = 4


def _change(world, number):
    world.set(READ_TIMEOUT=f"{10 + number}s")
    assert world.reload()


def test_clients_that_keep_their_connection_lose_no_post(world):
    """Naive ones: they send the next request whenever they like, and repeat none."""
    with KeepAlive(world.port, clients=32, pause=0.01) as clients:
        for number in range(RELOADS):
            seen = clients.sent
            wait_for(lambda seen=seen: clients.sent > seen + 500, what="traffic", seconds=30)
            _change(world, number)
        clients.stop()

    print(clients)
    assert clients.sent > 1000
    assert 0 == clients.failed, str(clients)
    flag = world.layout.nginx / "drain"
    wait_for(lambda: not flag.exists(), what="the last connection to be drained", seconds=60)


def test_a_second_reload_while_the_first_one_drains(world):
    """Signals that come together are one reload, and it is that of the newest configuration."""
    with KeepAlive(world.port, clients=8, pause=0.01) as clients:
        world.set(READ_TIMEOUT="11s")
        world.prepare()
        world.signal("HUP")
        world.set(READ_TIMEOUT="12s")
        generation = world.prepare()
        world.signal("HUP")
        wait_for(lambda: world.generation() == generation, what="the newest one", seconds=20)
        clients.stop()

    assert 0 == clients.failed, str(clients)


def test_a_download_outlives_a_reload_for_drain_timeout(make_world):
    """And no longer: an old worker does not stay for ever."""
    world = make_world(DRAIN_TIMEOUT="6s")
    with SlowDownload(world.port) as download:
        _change(world, 1)
        assert download.goes_on()
        wait_for(lambda: not download.goes_on(), what="it to be cut", seconds=30)
    wait_for(
        lambda: all("shutting down" not in p.title for p in world.processes()),
        what="the old workers to be gone",
        seconds=10,
    )
