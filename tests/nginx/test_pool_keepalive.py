"""An application that closes idle connections loses no POST to it."""

import threading
import time

import pytest
from front_clients import KeepAlive

pytestmark = [pytest.mark.timeout(240)]

CLIENTS = 60
ROUNDS = 12


class InStep(KeepAlive):
    """Clients that send together, and again just when the application closes what is idle."""

    def __init__(self, port, *, idle, rounds):
        super().__init__(port, clients=CLIENTS, seconds=200)
        self._idle, self._left = idle, rounds
        self._step = threading.Barrier(CLIENTS, action=self._count)
        self._done = False

    def _count(self):
        self._done = self._left == 0
        self._left -= 1

    def is_over(self):
        """Whether all rounds are over; the same for all of them."""
        time.sleep(self._idle)
        self._step.wait(60)
        return self._done


@pytest.mark.parametrize("idle", [1.0, 2.0])
def test_no_post_is_lost_when_the_application_closes_just_then(make_world, idle):
    """Sixty clients, in step with the application's idle limit, twelve times."""
    world = make_world(idle=idle)
    with InStep(world.port, idle=idle, rounds=ROUNDS) as clients:
        for thread in clients._threads:
            thread.join(200)

    print(f"idle {idle} s: {clients}")
    assert clients.sent >= 600
    assert 0 == clients.failed, str(clients)
