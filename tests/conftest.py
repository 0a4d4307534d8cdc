"""Fixtures live in `fix_*.py`, one for each kind of server; this lists them and says what runs."""

import os

import pytest

pytest_plugins = ["fix_stack"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "e2e: the whole stack on loopback, as plain processes")
    config.addinivalue_line("markers", "docker: the whole stack in containers")


def pytest_report_header() -> str:
    """Say which rules apply to tests that cannot run."""
    ci = "they fail (CI)" if os.environ.get("CI") else "they are skipped, with the reason"
    return f"tests that lack a program: {ci}"
