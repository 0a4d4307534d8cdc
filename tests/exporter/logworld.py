"""A log, its rotated files, and an exact account of every line that was written.

Each line has a pool, method and status of its own, so that counters tell which lines were counted,
not just how many. Files get times of their own, one millisecond apart, as they have in real life.
"""

import gzip
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from loglines import BLUE, GREEN, line

from nginxlog_exporter.count.classifier import METHODS
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.metrics.zero_initialise import Scraper
from nginxlog_exporter.pipeline import Pipeline

# One for each line: no example writes more, and the exporter shows no more of each pool.
POOLS = {"blue": BLUE, "green": GREEN, "unknown": "10.0.0.1:80", "none": "-"}
SOME_STATUSES = (100, 200, 204, 301, 304, 404, 444, 499, 500, 502, 503)
LABELS = [
    (pool, method, str(status))
    for pool in POOLS
    for method in sorted(METHODS)
    for status in SOME_STATUSES
]
NUMBERS = {labels: number for number, labels in enumerate(LABELS)}
TICK_NS = 1_000_000
# Bytes of a half line: enough to differ from all others, too few to count as a request.
HALF = 60


@dataclass
class File:
    """A file of the log, and the numbers of the lines it holds."""

    path: Path
    lines: list[int] = field(default_factory=list)
    # The number of its last line, if only half of that is written.
    half: int | None = None


class LogWorld:
    """What nginx, logrotate and the administrator do to one log."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "access.log"
        self.live: File | None = None
        # Oldest first.
        self.rotated: list[File] = []
        # The renamed file that a slow worker may still write to.
        self.late: File | None = None
        self.written = 0
        # Lines of which only half was ever written, and how many of them stayed in a file.
        self.unfinished: set[int] = set()
        self.torn = 0
        # The lines of each file that was destroyed.
        self.destroyed: list[set[int]] = []
        self._clock = time.time_ns()
        self._rotations = 0
        # Whether rotated files are named by date or by number.
        self.by_date = False

    @property
    def complete(self) -> set[int]:
        """The numbers of all complete lines ever written."""
        half = {self.live.half} if self.live else set()
        return set(range(self.written)) - self.unfinished - half

    # nginx

    def create(self) -> File:
        """Return the live file, which is created if there is none."""
        if self.live is None:
            self.live = File(self.log)
            self._append(self.live, b"")
        return self.live

    def write(self) -> None:
        """Write a line, or the rest of one that is half written."""
        live = self.create()
        if live.half is None:
            self._append(live, self._line(self.written))
            live.lines.append(self.written)
            self.written += 1
        else:
            self._append(live, self._line(live.half)[HALF:])
            live.lines.append(live.half)
            live.half = None

    def write_half(self) -> None:
        """Write half of a line."""
        live = self.create()
        self._append(live, self._line(self.written)[:HALF])
        live.half = self.written
        self.written += 1

    def write_late(self) -> None:
        """Write a line to the renamed file."""
        self._append(self.late, self._line(self.written))
        self.late.lines.append(self.written)
        self.written += 1

    # logrotate

    def rename(self) -> None:
        """Rename the log; afterwards there is none."""
        self._tear(self.live)
        self.late = None if self.live.half is not None else self.live
        self.live.path = self.log.rename(self._rotated_name())
        self.rotated.append(self.live)
        self.live = None

    def copy_and_truncate(self) -> None:
        """Copy the log, as logrotate does with its time, and cut it."""
        self._tear(self.live)
        copy = File(self._rotated_name(), self.live.lines)
        shutil.copy2(self.log, copy.path)
        self.rotated.append(copy)
        self._cut()

    def compress(self) -> None:
        """Compress the newest rotated file."""
        file = self.rotated[-1]
        plain, file.path = file.path, file.path.with_name(file.path.name + ".gz")
        file.path.write_bytes(gzip.compress(plain.read_bytes()))
        moment = plain.stat().st_mtime_ns
        os.utime(file.path, ns=(moment, moment))
        plain.unlink()
        self.late = None

    # Whoever destroys lines

    def truncate(self) -> set[int]:
        """Cut the log without a copy; return the lines that are gone."""
        gone = self._destroy(self.live)
        self._cut()
        return gone

    def delete(self) -> set[int]:
        """Delete the log; return the lines that are gone."""
        self._tear(self.live)
        gone = self._destroy(self.live)
        self.log.unlink()
        self.live = self.late = None
        return gone

    def delete_oldest(self) -> set[int]:
        """Delete the oldest rotated file; return the lines that are gone."""
        file = self.rotated.pop(0)
        file.path.unlink()
        self.late = None
        return self._destroy(file)

    def delete_newest(self) -> set[int]:
        """Delete the newest rotated file; return the lines that are gone."""
        file = self.rotated.pop()
        file.path.unlink()
        self.late = None
        return self._destroy(file)

    def touch_oldest(self) -> None:
        """Have the oldest rotated file look like the one written last."""
        self._touch(self.rotated[0].path)

    # Private

    def _line(self, number: int) -> bytes:
        pool, method, status = LABELS[number]
        return line(
            request_method=method,
            status=status,
            upstream_addr=POOLS[pool],
            request_id=f"{number:032x}",
        )

    def _append(self, file: File, data: bytes) -> None:
        with file.path.open("ab") as opened:
            opened.write(data)
        self._touch(file.path)

    def _touch(self, path: Path) -> None:
        self._clock += TICK_NS
        os.utime(path, ns=(self._clock, self._clock))

    def _tear(self, file: File) -> None:
        """Nobody will finish the half line."""
        if file.half is not None:
            self.unfinished.add(file.half)
            self.torn += 1

    def _cut(self) -> None:
        os.truncate(self.log, 0)
        self._touch(self.log)
        if self.live.half is not None:
            self.unfinished.add(self.live.half)
        self.live, self.late = File(self.log), None

    def _destroy(self, file: File) -> set[int]:
        self.destroyed.append(set(file.lines))
        return self.destroyed[-1]

    def _rotated_name(self) -> Path:
        self._rotations += 1
        if self.by_date:
            return self.log.with_name(f"{self.log.name}-20260131-{1769817600 + self._rotations}")
        for file in self.rotated:  # the oldest first, as logrotate has to
            _, number, *packed = file.path.name.removeprefix(self.log.name).split(".")
            name = ".".join((self.log.name, str(int(number) + 1), *packed))
            file.path = file.path.rename(file.path.with_name(name))
        return self.log.with_name(f"{self.log.name}.1")


def growing(
    pipeline: Pipeline, *, for_prometheus: bool = False, reader: str | None = None
) -> list[tuple[str, dict[str, str], float]]:
    """Return what may only grow: samples of counters and histograms, but not of the process.

    A `reader` is an address at which a Prometheus is.
    """
    who = {} if reader is None else {"for_prometheus": True, "scraper": Scraper(reader)}
    return [
        (sample.name, sample.labels, sample.value)
        for family in collector.metrics(pipeline, **{"for_prometheus": for_prometheus, **who})
        if family.type in ("counter", "histogram")
        and not family.name.startswith("nginxlog_exporter_state")
        for sample in family.samples
    ]
