"""Follows logs: blocks from their tails, through the parser, into the aggregate and the snapshot.

Everything a scrape shows changes under one lock, together with the places in the logs it belongs
to.
"""

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from nginxlog_exporter import state
from nginxlog_exporter.count.aggregate import Aggregate, CountingConfig
from nginxlog_exporter.count.exemplars import Exemplars
from nginxlog_exporter.metrics.family import FEATURES
from nginxlog_exporter.metrics.source import LINES_LOST, RESETS, SETTINGS_CHANGED, STATE_UNUSABLE
from nginxlog_exporter.metrics.zero_initialise import Scraper, Series, ZeroInitialiser
from nginxlog_exporter.parse.error_log import ParseErrorLog
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pools.desired import DesiredDir, DesiredPools
from nginxlog_exporter.pools.pool_map import PoolMap
from nginxlog_exporter.settings import Settings
from nginxlog_exporter.tail.discovery import is_followed, log_files
from nginxlog_exporter.tail.followed_file import FollowedFile

log = logging.getLogger(__name__)

# How often patterns are looked at for new logs.
DISCOVER_SECONDS = 1.0
MAX_LOGS = 100


# What a snapshot may raise that is no snapshot of ours, whatever is in it.
_UNUSABLE = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


class Follower:
    """The logs, their places and the counters. Hold `lock` to read more than one number.

    `complete`: nobody writes to the logs any more, and nothing is to be remembered of them.
    """

    def __init__(
        self, settings: Settings, line_format: LineFormat, *, complete: bool = False
    ) -> None:
        self.settings = settings
        self.line_format = line_format
        self.lock = threading.RLock()
        self.saves = 0
        self.save_errors = 0
        self.last_save = 0.0
        self.ignored_files = 0
        # The snapshot holds all that was counted when it was last to be written.
        self.is_durable = True
        # More may have been shown before than what is counted now: nothing is to be shown until
        # the lines are read again.
        self.shown_more = False
        # So it was, and which series were shown then is not known either.
        self._had_shown_more = False
        self._complete = complete
        self._changed = False
        folder = settings.desired_dir
        self.desired = DesiredPools(
            DesiredDir(folder, settings.pools) if folder else None,
            lambda group: self.aggregate.tracker.declared[group],
        )
        self._parse_errors = ParseErrorLog()
        self._zeros = ZeroInitialiser()
        self._begin()

    def restore(self) -> None:
        """Continue from the snapshot; an unusable one is put aside, logged and counted."""
        path = self.settings.state_file
        try:
            kept = state.load(path)
            self.shown_more = self._had_shown_more = state.shown_more(path)
            if kept is None:
                where = "end" if self.settings.from_end else "beginning"
                log.info("no snapshot yet: reading from the %s of the log", where)
                self._discover(from_end=self.settings.from_end)
                return
            self._take_over(kept)
        except (state.StateError, *_UNUSABLE) as error:
            # Its lines were counted already: going on at the end loses some, going back to the
            # beginning would count most of them again.
            self._begin()
            self.shown_more = self._had_shown_more = False
            self._discover(from_end=True)
            # Else the second time would look like the first.
            self.resets.update(state.salvage(path, "resets", RESETS))
            self.resets[STATE_UNUSABLE] += 1
            with suppress(OSError):
                path = state.put_aside(path)
            log.error("counters begin anew: %s; the file is kept as %s", error, path)  # noqa: TRY400
        self._changed = True

    def catch_up(self, keep_going: Callable[[], bool] = lambda: True) -> bool:
        """Read what is new, a block of each log in turn, while `keep_going()`.

        Returns whether everything was read.
        """
        if time.monotonic() >= self._discover_at:
            self._discover()
        self._begin_logs()
        behind = list(self.files.values())
        while behind and keep_going():
            behind = [one for one in behind if self.read(one)]
        with self.lock:
            for one in self.files.values():
                self._changed |= one.settle()
                one.look()
        if self.shown_more and not behind:
            self._settle()
        return not behind

    def read(self, one: FollowedFile) -> bool:
        """Read and count a block; tell whether there was one."""
        block = one.read()
        if block is None:
            return False
        parsed = parse(block.lines, self.line_format)
        self._parse_errors.report(parsed)
        with self.lock:
            self.aggregate.add(parsed)
            last = self.aggregate.tracker.end_of(parsed.rows[-1]) if parsed.rows else 0.0
            one.count(block, parsed=len(parsed.rows), unparsed=parsed.unparsed, last_line=last)
            one.look()
            self._changed = True
        self.exemplars.take(block.lines)
        self._lost_lines |= bool(block.gap)
        if block.rotation:
            log.info("%s was rotated (%s)", one.path, block.rotation)
        if block.gap:
            log.warning("lines of %s may be missing (%s)", one.path, block.gap)
        return True

    def knows(self, needs: Iterable[str]) -> bool:
        """Tell whether there are these: variables of the log, or features of the settings.

        The declared pool may also be on the disk.
        """
        known = {*self.line_format.fields, *filter(self.settings.has, FEATURES)}
        return all(
            name in known or (name == "desired" and self.desired.is_declared_in_folder)
            for name in needs
        )

    @property
    def pools(self) -> PoolMap:
        """The configured pools."""
        return self.settings.pools

    def zero_initialise(self, series: Iterable[Series], scraper: Scraper) -> set[Series]:
        """Return which of these series this scraper has to see as 0, and remember that it has."""
        new = self._zeros.zero_initialise(series, scraper)
        self._changed |= self._zeros.is_changed
        self._zeros.is_changed = False
        if self._had_shown_more:
            # Any of them may have been shown before, and none may fall.
            self._had_shown_more, self._changed = False, True
            self._zeros.all_seen()
            return set()
        return new

    def save(self) -> None:
        """Make the counters durable, if anything changed. A failure is counted and logged."""
        with self.lock:
            if self._complete or not self._changed:
                return
            try:
                state.save(
                    self.settings.state_file, self._to_state(), is_all=not self._had_shown_more
                )
            except OSError as error:
                self.save_errors += 1
                self.is_durable = False
                log.error("the snapshot cannot be written: %s", error)  # noqa: TRY400
                return
            self._changed = False
            self.is_durable = True
            for one in self.files.values():
                one.kept = one.counters.events()
            self.saves += 1
            self.last_save = time.time()

    # Private

    def _begin(self) -> None:
        config = CountingConfig(
            pools=self.settings.pools,
            buckets=self.settings.buckets,
            window=self.settings.window,
            active_after=self.settings.active_after,
            routes=self.settings.routes,
        )
        self.aggregate = Aggregate(config, self.line_format)
        self.exemplars = Exemplars(
            self.settings.log_format,
            self.line_format,
            self.aggregate.classifier,
            self.aggregate.times,
            config.buckets,
        )
        self.files: dict[Path, FollowedFile] = {}
        # Places in logs that the settings do not name any more; they may do so again.
        self._left_out: dict[str, Any] = {}
        self._lost_lines = False
        self.resets = Counter(dict.fromkeys(RESETS, 0))
        self._zeros.reset()
        self._discover_at = 0.0

    def _discover(self, *, from_end: bool = False) -> None:
        """Take up logs that are new; one that has gone is kept, because it may come back."""
        # A pattern may fit the snapshot, too.
        new = [
            path
            for path in log_files(self.settings.files)
            if path not in self.files and not path.name.startswith(self.settings.state_file.name)
        ]
        gone = [
            path
            for path, one in self.files.items()
            if one.is_missing and str(path) not in self.settings.files
        ]
        with self.lock:
            for path in gone[: max(len(self.files) + len(new) - MAX_LOGS, 0)]:
                del self.files[path]
        room = max(MAX_LOGS - len(self.files), 0)
        if len(new) > room and len(new) - room != self.ignored_files:
            log.error("%s logs are not followed: more than %s", len(new) - room, MAX_LOGS)
        with self.lock:
            self.ignored_files = max(len(new) - room, 0)
            for path in new[:room]:
                self.files[path] = FollowedFile(path, from_end=from_end, complete=self._complete)
        self._discover_at = time.monotonic() + DISCOVER_SECONDS

    def _begin_logs(self) -> None:
        """Find and keep the first place in each log: a kill must not make the next one the first.

        What is written from here on is counted, whatever happens to the log and to the process.
        """
        if self._complete:
            return
        with self.lock:
            begun = [one.begin() for one in self.files.values()]
            self._changed |= any(begun)
        if any(begun):
            self.save()

    def _settle(self) -> None:
        """All was read that is there: show it, anew from 0 if it is less than was shown."""
        if any(one.is_kept_waiting for one in self.files.values()):
            return
        with self.lock:
            if self._lost_lines or any(one.is_lost for one in self.files.values()):
                logs, resets, left_out = self.files, self.resets, self._left_out
                self._begin()
                self.files, self.resets, self._left_out = logs, resets, left_out
                for one in self.files.values():
                    one.reset()
                self.resets[LINES_LOST] += 1
                log.error("counters begin anew: lines that were shown cannot be read again")
            self.shown_more = False

    def _to_state(self) -> dict[str, Any]:
        places = {str(path): one.to_state() for path, one in self.files.items()}
        return {
            "settings": self._fingerprint(),
            "files": {**self._left_out, **places},
            "aggregate": self.aggregate.to_state(),
            "resets": dict(self.resets),
            **self._zeros.to_state(),
        }

    def _take_over(self, kept: dict[str, Any]) -> None:
        self._begin()
        same = kept["settings"] in self._fingerprints()
        for name, one in kept["files"].items():
            path = Path(name)
            if is_followed(path, self.settings.files):
                self.files[path] = FollowedFile.from_state(path, one, with_counters=same)
            else:
                self._left_out[name] = one
        # What is missing here and below was not counted yet by the release that wrote it.
        kept_resets = kept.get("resets", {})
        self.resets.update({reason: int(times) for reason, times in kept_resets.items()})
        if not same:
            # The places stay, so that no line is counted twice or skipped.
            self.resets[SETTINGS_CHANGED] += 1
            log.warning("pools or buckets are others than before: counters begin anew")
            return
        self.aggregate.restore(kept["aggregate"])
        self._zeros.restore(kept)

    def _fingerprint(self, pools: PoolMap | None = None) -> str:
        """Return what stays the same as long as counters mean the same.

        The order of the pools is part of it: the first pattern that fits decides.
        """
        patterns = list((pools or self.settings.pools).patterns.items())
        return _hash(("in order", patterns, self.settings.buckets))

    def _fingerprints(self) -> Iterator[str]:
        """Yield those of settings whose counters mean the same: a pool may have got an address.

        Also as version 1.0.0 wrote them, which did not tell the order of the pools.
        """
        for pools in (self.settings.pools, *self.settings.pools.with_less()):
            yield self._fingerprint(pools)
            yield _hash((sorted(pools.patterns.items()), self.settings.buckets))


def _hash(meaning: object) -> str:
    return hashlib.sha256(repr(meaning).encode()).hexdigest()
