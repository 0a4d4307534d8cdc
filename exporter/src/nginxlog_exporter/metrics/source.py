"""What a scrape may see of the running exporter. The pipeline fulfils it."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from nginxlog_exporter.count.aggregate import Aggregate
from nginxlog_exporter.count.exemplars import Exemplars
from nginxlog_exporter.metrics.zero_initialise import Scraper, Series
from nginxlog_exporter.pools.desired import DesiredPools
from nginxlog_exporter.pools.pool_map import PoolMap
from nginxlog_exporter.tail.followed_file import FollowedFile

# Reasons for a counter reset.
STATE_UNUSABLE, SETTINGS_CHANGED, LINES_LOST = RESETS = (
    *("state_unusable", "settings_changed"),
    "lines_lost",
)


class Source(Protocol):
    """Counters and what there is to say of the logs. Hold `lock` to read more than one number."""

    # Every attribute is read-only for a scrape.
    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Whoever counts holds it, too."""

    @property
    def aggregate(self) -> Aggregate:
        """What was counted."""

    @property
    def exemplars(self) -> Exemplars:
        """Samples of requests."""

    @property
    def files(self) -> Mapping[Path, FollowedFile]:
        """The logs by path."""

    @property
    def ignored_files(self) -> int:
        """How many logs are too many to be followed."""

    @property
    def pools(self) -> PoolMap:
        """The configured pools."""

    @property
    def desired(self) -> DesiredPools:
        """Which pools the operator wants, and whether a drill is on."""

    @property
    def resets(self) -> Mapping[str, int]:
        """Counter resets by reason, one of RESETS."""

    @property
    def saves(self) -> int:
        """Snapshots written by this process."""

    @property
    def save_errors(self) -> int:
        """Snapshots that could not be written."""

    @property
    def last_save(self) -> float:
        """When this process last wrote a snapshot, in seconds since the epoch, 0 if never."""

    @property
    def is_durable(self) -> bool:
        """Whether the last snapshot holds all that was counted when it was due."""

    def knows(self, needs: Iterable[str]) -> bool:
        """Tell whether there are these variables of the log and features of the settings."""

    def zero_initialise(self, series: Iterable[Series], scraper: Scraper) -> set[Series]:
        """Return which of these series this scraper has to see as 0, and remember that it has."""

    def save(self) -> None:
        """Make the counters durable, if anything changed."""
