"""Everything that may happen to a log and its exporter, in any order: each line counts once.

Hypothesis plays nginx, logrotate, the administrator and the kernel; logworld.py keeps account of
every line. Only destroyed lines that were not counted yet may be missing, and a gap tells so if
the file was begun; one that came and went unseen leaves no trace. Each run takes another course;
one that fails prints how to repeat it. TORTURE_EXAMPLES=5000 is longer.
"""

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from loglines import settings as exporter_settings
from loglines import teal_format
from logworld import NUMBERS, LogWorld, growing

from nginxlog_exporter.pipeline import Pipeline

FORMAT = teal_format()
EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "60"))


class Machine(RuleBasedStateMachine):
    """The log, the exporter that follows it, and what the exporter must have counted."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        # pytest keeps every record until the test ends, and with an error's traceback the exporter
        # that logged it, and its open files: thousands in one test.
        logging.disable(logging.CRITICAL)
        self.stack.callback(logging.disable, logging.NOTSET)
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        # Power cuts are not part of this, but a full disk is.
        self.disk = self.stack.enter_context(mock.patch("os.fsync"))
        self.world = LogWorld(folder)
        self.settings = exporter_settings(folder)
        self.pipeline: Pipeline | None = None
        # Lines that the running exporter has counted; those in its snapshot.
        self.counted: set[int] = set()
        self.saved: set[int] = set()
        # Lines that may be missing, and those of them that nobody could know of.
        self.may_miss: set[int] = set()
        self.unknown: set[int] = set()
        self.holds_live_open = False
        self.scraped: dict[object, float] = {}
        # The series that each Prometheus has seen, as far as the exporter knows that, too.
        self.readers: dict[str, set[object]] = {}
        self.resets = 0

    @initialize(
        lossy=st.booleans(), by_date=st.booleans(), quiet=st.booleans(), killed=st.booleans()
    )
    def begin(self, lossy: bool, by_date: bool, quiet: bool, killed: bool) -> None:
        """Have the exporter find a first place; nothing else is kept of it for now.

        It may be `killed` then, and the log be rotated before it is there again. Without `quiet`,
        workers seem to write to every rotated file for ever.
        """
        seconds = 0.0 if quiet else 3600.0
        self.stack.enter_context(
            mock.patch("nginxlog_exporter.tail.draining.QUIET_SECONDS", seconds)
        )
        self.lossy, self.quiet = lossy, quiet
        self.world.by_date = by_date
        self.write(1)
        self.restart()
        self.catch_up()
        if killed:
            self.crash(torn=False, spoiled=False, older=False)
            self.rotate_by_rename(gap=False)
            self.restart()

    # nginx

    @rule(count=st.integers(1, 3))
    def write(self, count: int) -> None:
        """Write lines, in a new file if there is none."""
        for _ in range(count):
            self.world.write()

    @rule()
    def reopen(self) -> None:
        """Create the log after a rotation."""
        self.world.create()

    @precondition(lambda self: not (self.world.live and self.world.live.half is not None))
    @rule()
    def write_half_a_line(self) -> None:
        """As when the disk is full, or the reader looks in between."""
        self.world.write_half()

    @precondition(lambda self: self.world.late)
    @rule()
    def write_late(self) -> None:
        """Write to the renamed file, as a slow worker does."""
        self.world.write_late()

    # logrotate

    @precondition(lambda self: self.world.live)
    @rule(gap=st.booleans())
    def rotate_by_rename(self, gap: bool) -> None:
        """Rename; nginx creates the new file at once or later."""
        self.world.rename()
        self.holds_live_open = False
        if not gap:
            self.world.create()

    @rule(rotations=st.integers(2, 3))
    def rotate_repeatedly(self, rotations: int) -> None:
        """Several rotations in a row."""
        for _ in range(rotations):
            self.world.write()
            self.rotate_by_rename(gap=False)

    @precondition(lambda self: self.world.live and self.world.live.lines)
    @rule()
    def copy_and_truncate(self) -> None:
        """Nginx writes nothing in between."""
        self.world.copy_and_truncate()
        self.holds_live_open = False

    @precondition(lambda self: self.world.rotated and self.world.rotated[-1].path.suffix != ".gz")
    @rule()
    def compress(self) -> None:
        """Compress the newest rotated file."""
        self.world.compress()

    # Whoever destroys lines

    @precondition(lambda self: self.lossy and self.world.live)
    @rule()
    def truncate(self) -> None:
        """Cut the log without a copy; its reader will open it anew, if it is still there."""
        self._miss(self.world.truncate())
        self.holds_live_open = False

    @precondition(lambda self: self.lossy and self.world.live)
    @rule()
    def delete_and_create(self) -> None:
        """Delete the log, which a running exporter still has open and reads to its end."""
        gone = self.world.delete()
        if not (self.pipeline and self.holds_live_open):
            self._miss(gone)
        self.world.create()
        self.holds_live_open = False

    @precondition(lambda self: self.lossy and self.world.rotated)
    @rule()
    def delete_the_oldest(self) -> None:
        """Delete the oldest rotated file, read or not, as logrotate does."""
        self._miss(self.world.delete_oldest())

    @precondition(lambda self: self.lossy and self.world.rotated)
    @rule()
    def delete_the_newest(self) -> None:
        """Delete the newest rotated file, as nobody does on purpose."""
        self._miss(self.world.delete_newest())

    @precondition(lambda self: self.world.rotated)
    @rule()
    def touch_the_oldest(self) -> None:
        """As a backup that is played back."""
        self.world.touch_oldest()

    # The disk of the snapshot

    @precondition(lambda self: self.pipeline)
    @rule(full=st.booleans())
    def fill_the_disk(self, full: bool) -> None:
        """Have no snapshot be written any more, or again."""
        self.disk.side_effect = OSError(28, "No space left on device") if full else None

    @precondition(lambda self: self.pipeline and self.world.live)
    @rule(kinds=st.lists(st.sampled_from(["rename", "copy", "truncate"]), min_size=2, max_size=3))
    def rotate_on_a_full_disk_and_die(self, kinds: list[str]) -> None:
        """Show rotations, gaps and lines that a restart will not see again.

        One course of single steps, which chance alone hardly ever takes.
        """
        self.fill_the_disk(full=True)
        for kind in kinds:
            self.world.create()
            self.write(1)
            self.catch_up()
            if kind == "rename":
                self.rotate_by_rename(gap=False)
            elif kind == "copy" or not self.lossy:
                self.copy_and_truncate()
            else:
                self.truncate()
            self.write(1)
            self.catch_up()
            if not self.pipeline.scraped_beyond:
                self.scrape("a")
        self.crash(torn=False, spoiled=False, older=False)
        self.disk.side_effect = None
        self.restart()
        self.catch_up()
        if not self.pipeline.scraped_beyond:
            self.scrape("a")

    # The exporter

    @precondition(lambda self: self.pipeline)
    @rule(torn=st.booleans(), spoiled=st.booleans(), older=st.booleans())
    def crash(self, torn: bool, spoiled: bool, older: bool) -> None:
        """Die: nothing after the last save survives. The snapshot may be spoiled as well.

        Or it is one of an older release, which did not have every counter yet.
        """
        was_durable = self.disk.side_effect is None
        self.pipeline = None
        self.holds_live_open = False
        snapshot = self.settings.state_file
        if torn:
            snapshot.with_name(snapshot.name + ".new").write_bytes(b'{"version":1,"se')
        if spoiled and snapshot.with_name(snapshot.name + ".copy").exists():
            content = snapshot.read_bytes()
            snapshot.unlink()
            snapshot.write_bytes(content[:-20])
        if older and not spoiled:
            for path in (snapshot, snapshot.with_name(snapshot.name + ".copy")):
                _make_older(path)
        if older or spoiled or not was_durable:
            # It is not known any more who has seen what; then nobody gets a zero, which might fall.
            self.readers.clear()
        self.counted = self.saved
        for gone in self.world.destroyed:
            self._miss(gone)

    @precondition(lambda self: not self.pipeline)
    @rule()
    def restart(self) -> None:
        """Start again from the snapshot."""
        self.pipeline = Pipeline(self.settings, FORMAT)
        self.pipeline.restore()
        self.resets = self.pipeline.resets["lines_lost"]

    @precondition(lambda self: self.pipeline)
    @rule()
    def catch_up(self) -> None:
        """Read all there is; then every line that may not be missing was counted, once."""
        with self._saving(counted=set()):  # the first place, before the first line
            self.pipeline.catch_up()
        if self.pipeline.resets["lines_lost"] > self.resets:
            # It had shown lines that it cannot read again: it says so, and begins anew.
            assert self.lossy
            self.resets += 1
            self.scraped.clear()
            self.readers.clear()
            self.may_miss |= self.world.complete
            self.unknown |= self.world.complete
        numbers = growing(self.pipeline)
        counted = {
            NUMBERS[labels["pool"], labels["method"], labels["status"]]: number
            for name, labels, number in numbers
            if name == "nginxlog_http_requests_total" and number
        }
        self.counted = set(counted)
        self.holds_live_open = self.world.live is not None
        missing = self.world.complete - self.counted
        # Not as shown: while the disk is full, gaps wait for it.
        gaps = sum(sum(log.counters.gaps.values()) for log in self.pipeline.files.values())
        unparsed = sum(
            n for name, _, n in numbers if name == "nginxlog_exporter_unparsed_lines_total"
        )

        assert dict.fromkeys(self.counted, 1) == counted
        assert set() == missing - self.may_miss
        assert gaps > 0 or not missing - self.unknown
        if not self.world.destroyed:
            assert gaps == 0
            if self.world.live and self.quiet:
                assert unparsed == self.world.torn

    @precondition(lambda self: self.pipeline and not self.pipeline.scraped_beyond)
    @rule(readers=st.sampled_from(["a", "b", "ab"]))
    def scrape(self, readers: str) -> None:
        """Nothing that a reader ever scraped goes down, and what is new to it is 0."""
        for reader in readers:
            self._scrape(reader)

    def _scrape(self, reader: str) -> None:
        with self._saving():
            numbers = growing(self.pipeline, reader=reader)
        known = self.readers.get(reader)
        shown = set()
        for name, labels, number in numbers:
            key = name, *sorted(labels.items())
            shown.add(key)
            assert self.scraped.get((reader, key), 0) <= number, key
            if known is not None and key not in known:
                assert number == 0, key
            self.scraped[reader, key] = number
        self.readers[reader] = shown

    @precondition(lambda self: self.pipeline)
    @rule()
    def save(self) -> None:
        """Save, as the exporter does now and then."""
        with self._saving():
            self.pipeline.save()

    def teardown(self) -> None:
        """Read to the end, after a restart if need be, and compare once more."""
        with self.stack:
            if not self.pipeline:
                self.restart()
            self.catch_up()

    # Private

    def _miss(self, gone: set[int]) -> None:
        """Excuse what was destroyed before it was counted; a gap is due if its file was begun."""
        self.may_miss |= gone - self.counted
        self.unknown |= set() if gone & self.counted else gone

    @contextmanager
    def _saving(self, counted: set[int] | None = None) -> Iterator[None]:
        """Note what is in the snapshot, if one is written."""
        before = self._snapshot_inode()
        yield
        if self._snapshot_inode() != before:
            self.saved = set(self.counted if counted is None else counted)

    def _snapshot_inode(self) -> int:
        path = self.settings.state_file
        return path.stat().st_ino if path.exists() else 0


def _make_older(path: Path) -> None:
    """Take out of a snapshot what a release may not have known: all that is 0."""
    if not path.exists():
        return
    state = json.loads(path.read_text())
    state.pop("checksum", None)
    state.pop("readers", None)
    inside = [state["aggregate"]["counters"], *(f["counters"] for f in state["files"].values())]
    for counters in (state, *inside):
        for name in list(counters):
            value = counters[name]
            if isinstance(value, dict):
                numbers = list(value.values())
            else:
                numbers = [pair[-1] for pair in value] if isinstance(value, list) else [value]
            if name != "version" and not any(numbers):
                del counters[name]
    path.write_text(json.dumps(state))


TestEveryLineCountsOnce = Machine.TestCase
TestEveryLineCountsOnce.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("kinds", [["rename", "truncate"], ["truncate", "rename"]])
def test_lines_that_were_scraped_on_a_full_disk_and_are_gone_reset_the_counters(
    kinds: list[str],
) -> None:
    """The snapshot knows nothing of the file that they were in."""
    machine = Machine()
    machine.begin(lossy=True, by_date=False, quiet=False, killed=False)
    machine.rotate_on_a_full_disk_and_die(kinds)
    machine.teardown()


def test_a_deleted_empty_file_is_not_taken_for_what_was_compressed() -> None:
    """Found at 5,000 examples: the compressed file stands where the empty one stood."""
    machine = Machine()
    machine.begin(lossy=True, by_date=False, quiet=False, killed=True)
    machine.catch_up()
    machine.compress()
    machine.delete_and_create()
    machine.rotate_repeatedly(rotations=2)
    machine.catch_up()
    machine.crash(older=False, spoiled=False, torn=False)

    # It reads all of it again, and holds each line against the counters.
    machine.teardown()
