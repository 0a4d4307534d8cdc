"""Without Docker: each fault and each command, on the whole stack, under 400 requests a second.

The promises are those of the containers (test_containers_recover.py). Nobody starts supervisord
again, nor plain processes after a reboot: `make up` is part of those entries.
"""

import subprocess
from pathlib import Path

import pytest
from bench import own_bench
from changes import changes
from faults import faults
from judged import judge

from teal.wait import wait_for

pytestmark = [pytest.mark.long, pytest.mark.e2e, pytest.mark.timeout(600)]

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


def test_a_number_left_in_a_file_hits_nobody(bench):
    """After a reboot a process id belongs to anybody, also when the log is due to be rotated."""
    bench.become({"LOG_ROTATE_MB": "1"})
    folder = bench.folder / "local"
    bench.processes.kill_everything()
    with (folder / "log" / "access.log").open("a") as log:
        log.write("x" * 2 * 1024 * 1024 + "\n")
    with subprocess.Popen(["sleep", "600"]) as bystander:
        (folder / "nginx" / "parent.pid").write_text(f"{bystander.pid}\n")
        assert not bench.run("up").code
        wait_for((folder / "log" / "access.log.1").exists, what="a rotation", seconds=20)

        assert bystander.poll() is None
        bystander.kill()
