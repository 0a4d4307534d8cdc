"""Without Docker: each fault and each command, on the whole stack, under 400 requests a second.

The promises are those of the containers (test_containers_recover.py). Nobody starts supervisord
again, nor plain processes after a reboot: `make up` is part of those entries.
"""

from pathlib import Path

import pytest
from bench import own_bench
from changes import changes
from faults import faults
from judged import judge

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ["alertmanager", "blackbox", "exporter", "gateway", "inbox", "prometheus", "rotate"]
PARTS = sorted(["nginx", "blue", "green", *BESIDE])
ENTRIES = [e for e in [*faults(PARTS), *changes()] if "local" in e.runtimes and e.tested]


@pytest.fixture(scope="module")
def bench():
    """Return a stack that may be broken."""
    with own_bench(ROOT, "local") as made:
        yield made


def test_every_process_is_in_the_table(bench):
    """A part that is new must be killed, too."""
    assert PARTS == bench.runner.parts()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_it_costs_no_more_than_it_must_and_all_is_well_again(bench, entry):
    """As the entry says (faults.py, changes.py)."""
    judge(bench, entry)
