"""Fixtures live in `fix_*.py`, one for each kind of server; this lists them and says what runs."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["fix_stack"]


# No deadline: a busy machine is no defect. What fails is printed so that it can be tried again.
settings.register_profile("teal", deadline=None, print_blob=True)
settings.load_profile("teal")


# Judged by the clock: they want no neighbour that computes.
TIMED = ("alertmanager", "nginx")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a folder, before pytest chooses by marks."""
    for item in items:
        if item.path.parent.name in TIMED:
            item.add_marker("timed")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "e2e: the whole stack on loopback, as plain processes")
    config.addinivalue_line("markers", "long: run by `make test-long`, not by `make test`")
    config.addinivalue_line("markers", "timed: judged by the clock, run without neighbours")
    config.addinivalue_line("markers", "docker: the whole stack in containers")


def pytest_report_header() -> str:
    """Say which rules apply to tests that cannot run."""
    ci = "they fail (CI)" if os.environ.get("CI") else "they are skipped, with the reason"
    return f"tests that lack a program: {ci}"
