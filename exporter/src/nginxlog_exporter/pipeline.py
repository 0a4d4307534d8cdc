"""The pipeline: blocks from the logs, through the parser, into the counters and the snapshot.

Everything that a scrape shows changes under one lock, together with the checkpoints in the logs
that it belongs to.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nginxlog_exporter import snapshot
from nginxlog_exporter.config import Settings
from nginxlog_exporter.count.aggregate import Aggregate, CountingConfig
from nginxlog_exporter.count.exemplars import Exemplars
from nginxlog_exporter.counter_identity import identities, identity
from nginxlog_exporter.metrics.family import FEATURES
from nginxlog_exporter.metrics.source import LINES_LOST, RESETS, SETTINGS_CHANGED, STATE_UNUSABLE
from nginxlog_exporter.metrics.zero_initialise import Scraper, Series, ZeroInitialiser
from nginxlog_exporter.parse.error_log import ParseErrorLog
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pools.desired import DesiredDir, DesiredPools
from nginxlog_exporter.pools.pool_map import PoolMap
from nginxlog_exporter.tail.followed_file import FollowedFile
from nginxlog_exporter.tail.followed_logs import FollowedLogs

log = logging.getLogger(__name__)

# What a snapshot may raise that is no snapshot of ours, whatever is in it.
_UNUSABLE = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


class Pipeline:
    """The logs, their checkpoints and the counters. Hold `lock` to read more than one number.

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
        # The snapshot holds all that was counted when it was last to be written.
        self.is_durable = True
        # The last scrape is ahead of the snapshot: answer 503 until the lines in between are read
        # again.
        self.scraped_beyond = False
        # So it was at the start, and which series were scraped then is not known either.
        self._was_scraped_beyond = False
        # How many lines were counted before that start.
        self._lines_scraped = 0
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
            kept = snapshot.load(path)
            self.scraped_beyond = self._was_scraped_beyond = snapshot.scraped_beyond(path)
            self._lines_scraped = snapshot.lines_scraped(path)
            if kept is None:
                where = "end" if self.settings.from_end else "beginning"
                log.info("no snapshot yet: reading from the %s of the log", where)
                self._discover(from_end=self.settings.from_end)
                return
            self._take_over(kept)
        except (snapshot.StateError, *_UNUSABLE) as error:
            # Its lines were counted already: going on at the end loses some, going back to the
            # beginning would count most of them again.
            self._begin()
            self.scraped_beyond = self._was_scraped_beyond = False
            self._discover(from_end=True)
            # Else the second reset would look like the first.
            self.resets.update(snapshot.salvage(path, "resets", RESETS))
            self.resets[STATE_UNUSABLE] += 1
            with suppress(OSError):
                path = snapshot.put_aside(path)
            log.error("counters reset: %s; the file is kept as %s", error, path)  # noqa: TRY400
        self._changed = True

    def catch_up(self, keep_going: Callable[[], bool] = lambda: True) -> bool:
        """Read what is new, a block of each log in turn, while `keep_going()`.

        Returns whether everything was read.
        """
        if self._logs.is_discovery_due:
            self._discover()
        self._begin_logs()
        behind = list(self._logs)
        while behind and keep_going():
            behind = [one for one in behind if self.read(one)]
        with self.lock:
            self._changed |= self._logs.settle()
        if self.scraped_beyond and not behind:
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
    def files(self) -> dict[Path, FollowedFile]:
        """The logs that are followed, by path."""
        return self._logs.files

    @property
    def ignored_files(self) -> int:
        """How many logs are too many to be followed."""
        return self._logs.ignored

    @property
    def pools(self) -> PoolMap:
        """The configured pools."""
        return self.settings.pools

    def zero_initialise(self, series: Iterable[Series], scraper: Scraper) -> set[Series]:
        """Return which of these series this scraper has to see as 0, and remember that it has."""
        new = self._zeros.zero_initialise(series, scraper)
        self._changed |= self._zeros.is_changed
        self._zeros.is_changed = False
        if self._was_scraped_beyond:
            # Any of them may have been shown before, and none may fall.
            self._was_scraped_beyond, self._changed = False, True
            self._zeros.all_seen()
            return set()
        return new

    def save(self) -> None:
        """Make the counters durable, if anything changed. A failure is counted and logged."""
        with self.lock:
            if self._complete or not self._changed:
                return
            try:
                snapshot.save(
                    self.settings.state_file,
                    self._to_state(),
                    lines=self._lines(),
                    is_all=not self._was_scraped_beyond,
                )
            except OSError as error:
                self.save_errors += 1
                self.is_durable = False
                log.error("the snapshot cannot be written: %s", error)  # noqa: TRY400
                return
            self._changed = False
            self.is_durable = True
            for one in self._logs:
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
        self._logs = FollowedLogs(
            self.settings.files, but=self.settings.state_file.name, complete=self._complete
        )
        self._lost_lines = False
        self.resets = Counter(dict.fromkeys(RESETS, 0))
        self._zeros.reset()

    def _discover(self, *, from_end: bool = False) -> None:
        with self.lock:
            self._logs.discover(from_end=from_end)

    def _begin_logs(self) -> None:
        """Keep the first checkpoint of each log: a kill must not make the next one the first.

        What is written from here on is counted, whatever happens to the log and to the process.
        """
        if self._complete:
            return
        with self.lock:
            begun = self._logs.begin()
            self._changed |= begun
        if begun:
            self.save()

    def _settle(self) -> None:
        """All was read that is there: show it, from 0 if it is less than was scraped before."""
        if any(one.is_kept_waiting for one in self._logs):
            return
        with self.lock:
            if self._is_less_than_was_scraped():
                logs, resets = self._logs, self.resets
                self._begin()
                self._logs, self.resets = logs, resets
                for one in self._logs:
                    one.reset()
                self.resets[LINES_LOST] += 1
                log.error("counters reset: lines that were scraped cannot be read again")
            self.scraped_beyond = False

    def _is_less_than_was_scraped(self) -> bool:
        """Whether lines are gone that were scraped: seen at the logs, or at the number of lines."""
        return (
            self._lost_lines
            or any(one.is_lost for one in self._logs)
            or self._lines() < self._lines_scraped
        )

    def _lines(self) -> int:
        """Return how many lines were counted; of logs that were given up, only the requests."""
        unparsed = sum(one.counters.lines["unparsed"] for one in self._logs)
        return sum(self.aggregate.responses.values()) + unparsed

    def _to_state(self) -> dict[str, Any]:
        return {
            "settings": identity(self.settings),
            "files": self._logs.to_state(),
            "aggregate": self.aggregate.to_state(),
            "resets": dict(self.resets),
            **self._zeros.to_state(),
        }

    def _take_over(self, kept: dict[str, Any]) -> None:
        self._begin()
        same = kept["settings"] in identities(self.settings)
        self._logs.restore(kept["files"], with_counters=same)
        # What is missing here and below was not counted yet by the release that wrote it.
        kept_resets = kept.get("resets", {})
        self.resets.update({reason: int(times) for reason, times in kept_resets.items()})
        if not same:
            # The checkpoints stay, so that no line is counted twice or skipped.
            self.resets[SETTINGS_CHANGED] += 1
            self._lines_scraped = 0
            log.warning("counters reset: the pools or the buckets are not those of before")
            return
        self.aggregate.restore(kept["aggregate"])
        self._zeros.restore(kept)
