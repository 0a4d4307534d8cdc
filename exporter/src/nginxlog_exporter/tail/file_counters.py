"""What happened to one log file: lines, bytes, rotations, gaps. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from nginxlog_exporter.tail.block import GAPS, ROTATIONS, Block

# Why a line was not counted as a request. Closed, so that each is exposed as 0 from the start.
FORMAT, ENCODING, TOO_LONG = REASONS = ("format", "encoding", "too_long")


class Events(NamedTuple):
    """What the tailer saw happen. Whoever reads the same lines again may see something else."""

    rotations: Mapping[str, int]
    gaps: Mapping[str, int]
    lost_bytes: int


class FileCounters:
    """The counters of one log file, all of them there from the start.

    The names of the attributes are keys of the snapshot: they do not change.
    """

    def __init__(self) -> None:
        self.lines = Counter({"parsed": 0, "unparsed": 0})
        self.unparsed = Counter(dict.fromkeys(REASONS, 0))
        self.rotations = Counter(dict.fromkeys(ROTATIONS, 0))
        self.gaps = Counter(dict.fromkeys(GAPS, 0))
        self.read_bytes = 0
        self.lost_bytes = 0
        # Log time of the last line, seconds since the epoch.
        self.last_line = 0.0

    def add(
        self, block: Block, *, parsed: int, unparsed: Mapping[str, int], last_line: float
    ) -> None:
        """Count a block: how many of its lines were parsed, and why others were not (REASONS).

        `last_line` is the log time of its last line in seconds since the epoch, 0 if unknown.
        """
        self.lines["parsed"] += parsed
        self.lines["unparsed"] += sum(unparsed.values()) + block.too_long
        self.unparsed.update(unparsed)
        self.unparsed[TOO_LONG] += block.too_long
        self.read_bytes += block.size
        self.last_line = last_line or self.last_line
        if block.rotation:
            self.rotations[block.rotation] += 1
        if block.gap:
            self.gaps[block.gap] += 1
        self.lost_bytes += block.lost_bytes

    def events(self) -> Events:
        """Return what does not follow from the lines, as of now."""
        return Events(dict(self.rotations), dict(self.gaps), self.lost_bytes)

    def to_state(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return dict(vars(self))

    def restore(self, kept: dict[str, Any]) -> None:
        """Take over what `to_state` returned; what is missing began later.

        Raises AttributeError, TypeError or ValueError.
        """
        for counter in ("lines", "unparsed", "rotations", "gaps"):
            getattr(self, counter).update({k: int(v) for k, v in kept.get(counter, {}).items()})
        self.read_bytes = int(kept.get("read_bytes", 0))
        self.lost_bytes = int(kept.get("lost_bytes", 0))
        self.last_line = float(kept.get("last_line", 0.0))
