"""In Docker: each fault and each command, on the whole stack, under 400 requests a second.

After a fault everything is well again without a command, within the entry's limit; no more requests
fail than its bound says; every line of the log is counted, and an alert still arrives.
"""

import os
from pathlib import Path

import pytest
from bench import own_bench
from changes import changes
from faults import faults
from fix_stack import cannot_run
from judged import judge

from teal.choose import docker_answers

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
LONG = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ["alertmanager", "blackbox", "exporter", "gateway", "inbox", "prometheus"]
PARTS = sorted(["nginx", "blue", "green", *BESIDE])
ENTRIES = [e for e in [*faults(PARTS), *changes()] if "docker" in e.runtimes and e.tested]
# What every change must pass: the front door's own restarts, and everybody's.
EVERY_TIME = {
    "nginx killed -9",
    "nginx restarted",
    "pool blue's network disconnected and connected, then make up",
    "engine killed -9 and started",
    "reboot",
}


@pytest.fixture(scope="module")
def bench():
    """Return a stack on an engine that may be killed: it is nobody else's."""
    if not docker_answers():
        cannot_run("no Docker engine with Compose v2 answers")
    if os.geteuid() != 0:
        cannot_run("an engine of one's own needs root")
    with own_bench(ROOT, "docker") as made:
        yield made


def test_every_container_is_in_the_table(bench):
    """A part that is new must be killed, too."""
    assert PARTS == bench.runner.parts()
    assert {entry.name for entry in ENTRIES} >= EVERY_TIME


@pytest.mark.parametrize(
    "entry",
    [pytest.param(e, id=e.name, marks=() if e.name in EVERY_TIME else LONG) for e in ENTRIES],
)
def test_it_costs_no_more_than_it_must_and_all_is_well_again(bench, entry):
    """As the entry says (faults.py, changes.py)."""
    judge(bench, entry)
