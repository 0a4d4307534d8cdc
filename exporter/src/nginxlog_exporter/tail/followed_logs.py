"""The logs that are followed: taken up when they come, kept when they go, at most so many.

Not thread-safe: whoever changes what a scrape shows holds the lock of the pipeline.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nginxlog_exporter.tail.discovery import is_followed, log_files
from nginxlog_exporter.tail.followed_file import FollowedFile

log = logging.getLogger(__name__)

# How often patterns are looked at for new logs.
DISCOVER_SECONDS = 1.0
MAX_LOGS = 100


class FollowedLogs:
    """The files that fit some paths and patterns of paths, by path.

    `but` is how names of files begin that are no logs although a pattern fits them. `complete`:
    nobody writes to the logs any more.
    """

    def __init__(self, patterns: Sequence[str], *, but: str, complete: bool) -> None:
        self.files: dict[Path, FollowedFile] = {}
        # How many logs are too many to be followed.
        self.ignored = 0
        self._patterns = patterns
        self._but = but
        self._complete = complete
        # Checkpoints of logs that the settings do not name any more; they may do so again.
        self._left_out: dict[str, Any] = {}
        self._discover_at = 0.0

    def __iter__(self) -> Iterator[FollowedFile]:
        return iter(self.files.values())

    @property
    def is_discovery_due(self) -> bool:
        """Whether the patterns have not been looked at for a while."""
        return time.monotonic() >= self._discover_at

    def discover(self, *, from_end: bool = False) -> None:
        """Take up logs that are new; one that has gone is kept, because it may come back."""
        new = [
            path
            for path in log_files(self._patterns)
            if path not in self.files and not path.name.startswith(self._but)
        ]
        gone = [
            path
            for path, one in self.files.items()
            if one.is_missing and str(path) not in self._patterns
        ]
        for path in gone[: max(len(self.files) + len(new) - MAX_LOGS, 0)]:
            del self.files[path]
        room = max(MAX_LOGS - len(self.files), 0)
        if len(new) > room and len(new) - room != self.ignored:
            log.error("%s logs are not followed: more than %s", len(new) - room, MAX_LOGS)
        self.ignored = max(len(new) - room, 0)
        for path in new[:room]:
            self.files[path] = FollowedFile(path, from_end=from_end, complete=self._complete)
        self._discover_at = time.monotonic() + DISCOVER_SECONDS

    def begin(self) -> bool:
        """Find the first checkpoint of each log that has none; tell whether one was found."""
        begun = [one.begin() for one in self]
        return any(begun)

    def settle(self) -> bool:
        """Let each note that all of it was read for now; tell whether that changes its state."""
        changed = False
        for one in self:
            changed |= one.settle()
            one.look()
        return changed

    def to_state(self) -> dict[str, Any]:
        """Return the checkpoint and the counters of each, by path, also of those left out."""
        return {**self._left_out, **{str(path): one.to_state() for path, one in self.files.items()}}

    def restore(self, kept: dict[str, Any], *, with_counters: bool) -> None:
        """Go on from `to_state`, with or without the counters."""
        for name, one in kept.items():
            path = Path(name)
            if is_followed(path, self._patterns):
                self.files[path] = FollowedFile.from_state(path, one, with_counters=with_counters)
            else:
                self._left_out[name] = one
