"""Tests of nginx alone need its program, which `make up` fetches."""

import pytest
from nginx_world import World

from teal.stack import servers


@pytest.fixture(scope="session", autouse=True)
def _program():
    servers.fetch_missing()


@pytest.fixture
def make_world(tmp_path):
    """Return a function that makes a world, which is removed after the test."""
    made = []

    def make(**options) -> World:
        made.append(World(tmp_path, **options))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.remove()


@pytest.fixture
def world(make_world):
    """Return a world with the default settings."""
    return make_world()
