"""Renewing the pools: the order, every failure, and a kill at every step."""

import itertools

import pytest
from rollout_world import NEW, OLD, Killed, World

FAILURES = ["crashes", "unhealthy", "lies", "cannot start", "no image"]


def _worlds():
    """Yield every combination of what is stale, what is desired and how the new releases do."""
    for desired, stale in itertools.product(
        ("blue", "green"), (("blue",), ("green",), ("blue", "green"))
    ):
        for how in itertools.product(["ok", *FAILURES], repeat=len(stale)):
            yield desired, stale, dict(zip(stale, how, strict=True))


def _world(desired, stale, how):
    return World(
        does={(pool, NEW): how[pool] for pool in stale},
        desired_pool=desired,
        wanted={pool: NEW if pool in stale else OLD for pool in ("blue", "green")},
    )


WORLDS = list(_worlds())


def test_both_are_renewed_the_idle_one_first_and_traffic_comes_back():
    """Nothing is asked of a pool while it is stopped."""
    world = World()

    assert world.run()
    assert {"blue": NEW, "green": NEW} == world.runs == world.kept
    assert "blue" == world.desired_pool
    assert [
        "Renewing green ...",
        "Traffic moves from blue to green ...",
        "Renewing blue ...",
        "Traffic moves from green to blue ...",
    ] == world.said
    assert not world.broken_promises


def test_nothing_is_done_when_nothing_changed():
    """A second `make up` touches no pool and says nothing of them."""
    world = World(wanted={"blue": OLD, "green": OLD})

    assert world.run()
    assert [] == world.said


def test_only_the_desired_one_changed():
    """It is renewed behind the other one, which is left alone."""
    world = World(wanted={"blue": NEW, "green": OLD})

    assert world.run()
    assert {"blue": NEW, "green": OLD} == world.runs
    assert "blue" == world.desired_pool
    assert not world.broken_promises


@pytest.mark.parametrize(("desired", "stale", "how"), WORLDS)
def test_whatever_fails_the_desired_pool_is_restored_and_somebody_always_serves(
    desired, stale, how
):
    """Every failure of every new release: told, undone, and no more is tried."""
    world = _world(desired, stale, how)

    is_well = world.run()

    assert is_well == (set(how.values()) == {"ok"})
    assert desired == world.desired_pool
    assert world.interrupted is None
    assert not world.broken_promises
    for pool in ("blue", "green"):
        assert world._serves(pool), f"{pool} runs {world.runs[pool]}"
    assert not world.is_quiet


@pytest.mark.parametrize(("desired", "stale", "how"), WORLDS)
@pytest.mark.parametrize("death", [Killed, KeyboardInterrupt])
def test_killed_at_any_point_the_next_one_finishes_or_goes_back(desired, stale, how, death):
    """Each operation in turn is the last one; then the command is given again."""
    untouched = _world(desired, stale, how)
    untouched.run()
    for moment in range(untouched.operations):
        world = _world(desired, stale, how)
        world.dies_at, world.dies_of = moment, death
        with pytest.raises(death):
            world.run()
        assert world._serves("blue") or world._serves("green"), moment
        world.revive()
        world.run()
        # One that was not told to be kept may be tried twice before it is given up.
        world.run()

        assert not world.broken_promises, moment
        assert desired == world.desired_pool, moment
        assert world.interrupted is None, moment
        assert world._serves("blue"), moment
        assert world._serves("green"), moment


def test_a_failure_is_told_with_last_words_and_what_changed():
    """Whoever reads it knows what to look at."""
    world = World(does={("green", NEW): "crashes"})

    assert not world.run()
    text = "\n".join(world.said)
    assert "green does not work: it ends as soon as it begins" in text
    assert "it ends with exit code 3" in text
    assert "changed since it last ran well: GREEN_RELEASE old -> new" in text
    assert "boom: no database" in text
    assert "green runs again as it did before." in text
    assert {"blue": OLD, "green": OLD} == world.runs


def test_a_pool_that_serves_alone_is_not_touched():
    """The other one is down: renewing the last one would be an outage."""
    world = World(does={("green", OLD): "crashes"}, wanted={"blue": NEW, "green": OLD})

    assert not world.run()
    assert OLD == world.runs["blue"]
    assert "blue was not renewed, and goes on as it is." == world.said[-1]
    assert not world.broken_promises


def test_a_pool_that_hangs_is_started_anew():
    """It is what it should be, and does not answer; the other one does."""
    world = World(wanted={"blue": OLD, "green": OLD})
    hangs = {"blue"}
    answer = world.ask
    start = world.renew
    world.ask = lambda pool, path: None if pool in hangs else answer(pool, path)

    def renew(pool):
        start(pool)
        hangs.discard(pool)

    world.renew = renew

    assert world.run()
    assert "blue" == world.desired_pool
    assert "Renewing blue ..." in world.said


def test_a_desired_pool_that_is_down_is_renewed_first():
    """Traffic has moved by itself; what serves now is touched last."""
    world = World(does={("blue", OLD): "crashes"})

    assert world.run()
    assert [s for s in world.said if s.startswith(("Renewing", "Starting"))] == [
        "Renewing blue ...",
        "Renewing green ...",
    ]
    assert "blue" == world.desired_pool
    assert not world.broken_promises


def test_two_dead_pools_are_started_again():
    """Nothing can be lost; the fix may be in what is new."""
    world = World(does={("blue", OLD): "crashes", ("green", OLD): "crashes"})

    assert world.run()
    assert {"blue": NEW, "green": NEW} == world.runs


def test_what_the_other_pool_does_no_better_is_no_failure():
    """An application that answers `/` with 503 everywhere can be renewed all the same."""
    world = World()
    world.ask = lambda _, path: 200 if path == "/healthz" else 503
    world.answers_from = lambda pool: world.desired_pool == pool

    assert world.run()
    assert {"blue": NEW, "green": NEW} == world.runs
