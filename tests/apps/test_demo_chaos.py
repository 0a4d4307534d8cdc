"""Faults begin, strike, and end as they promise; time and luck are the test's."""

import threading

import pytest

from demo.chaos import WAITING_LIMIT, Chaos, Fault


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give the test its clock."""
    return Clock()


def test_nothing_is_struck_before_a_fault_starts(clock: Clock) -> None:
    """A fresh process is well."""
    chaos = Chaos(clock=clock)

    assert chaos.strike("GET") is None
    assert chaos.state().mode is None


def test_a_fault_ends_by_itself_after_its_seconds(clock: Clock) -> None:
    """Whoever started it may be gone: it is over at its time, not before."""
    chaos = Chaos(clock=clock)
    chaos.start(Fault(mode="error", seconds=30))

    clock.now += 29.9
    assert chaos.strike("GET") is not None
    assert chaos.state().remaining_seconds == pytest.approx(0.1)

    clock.now += 0.1
    assert chaos.strike("GET") is None
    assert chaos.state().mode is None


@pytest.mark.parametrize(("chance", "is_struck"), [(0.0, True), (0.24, True), (0.25, False)])
def test_rate_is_the_share_of_requests_struck(clock: Clock, chance: float, is_struck: bool) -> None:
    """A rate of 0.25 strikes the requests whose luck is below 0.25."""
    chaos = Chaos(clock=clock, chance=lambda: chance)
    chaos.start(Fault(mode="error", rate=0.25))

    assert (chaos.strike("GET") is not None) is is_struck
    assert chaos.state().requests_affected == int(is_struck)


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_rate_0_strikes_nobody_and_rate_1_everybody(clock: Clock, chance: float) -> None:
    """The ends of the range are meant literally."""
    chaos = Chaos(clock=clock, chance=lambda: chance)

    chaos.start(Fault(mode="error", rate=0))
    assert chaos.strike("GET") is None
    chaos.start(Fault(mode="error", rate=1))
    assert chaos.strike("GET") is not None


@pytest.mark.parametrize("end", ["stop", "start"])
def test_stopping_or_replacing_a_fault_wakes_who_waits_in_it(end: str) -> None:
    """A request that hangs goes on at once, long before its time."""
    chaos = Chaos()
    chaos.start(Fault(mode="timeout", seconds=600))
    strike = chaos.strike("GET")
    assert strike is not None
    waiting = threading.Thread(target=chaos.wait, args=(strike, 600), daemon=True)
    waiting.start()

    if end == "stop":
        chaos.stop()
    else:
        chaos.start(Fault(mode="error"))

    waiting.join(timeout=5)
    assert not waiting.is_alive()


def test_a_new_fault_does_not_strike_who_was_struck_by_the_one_before(clock: Clock) -> None:
    """The count begins anew with each fault."""
    chaos = Chaos(clock=clock)
    chaos.start(Fault(mode="error"))
    chaos.strike("GET")

    assert chaos.start(Fault(mode="latency")).requests_affected == 0


def test_only_so_many_requests_wait_that_threads_are_left() -> None:
    """One more than the limit is not kept waiting: the control paths need a thread."""
    chaos = Chaos()
    chaos.start(Fault(mode="timeout", seconds=600))
    strike = chaos.strike("GET")
    assert strike is not None
    crowd = [
        threading.Thread(target=chaos.wait, args=(strike, 600), daemon=True)
        for _ in range(WAITING_LIMIT + 1)
    ]
    for one in crowd:
        one.start()

    crowd[-1].join(timeout=5)
    assert sum(one.is_alive() for one in crowd) == WAITING_LIMIT

    chaos.stop()
    for one in crowd:
        one.join(timeout=5)
    assert not any(one.is_alive() for one in crowd)


def test_a_fault_may_strike_one_method_only():
    """What a proxy must not repeat fails, all the rest is well."""
    chaos = Chaos()
    chaos.start(Fault(mode="error", method="POST"))

    assert chaos.strike("GET") is None
    assert chaos.strike("POST") is not None
