"""What a tailer yields: blocks of complete lines, and what happened to the file between them."""

from typing import NamedTuple

from nginxlog_exporter.tail.checkpoint import Checkpoint
from nginxlog_exporter.tail.rotation import Following

RENAME, TRUNCATE, REPLACE = ROTATIONS = ("rename", "truncate", "replace")
LOST, TRUNCATED, DAMAGED = GAPS = ("lost", "truncated", "damaged")


class Block(NamedTuple):
    """The result of one read: complete lines, and the checkpoint behind them."""

    # Each ends in a newline.
    lines: bytes
    checkpoint: Checkpoint
    # Bytes read, those of skipped lines included.
    size: int = 0
    # Lines longer than a block, which are skipped.
    too_long: int = 0
    # How the file was rotated (ROTATIONS) or lines were lost (GAPS) before this block.
    rotation: str | None = None
    gap: str | None = None
    # Bytes known to be lost in the gap; 0 if nothing is known.
    lost_bytes: int = 0


class PendingEvents:
    """What happened to a file since the last block. The next block reports it."""

    def __init__(self) -> None:
        # The log is the file that was being read, but its content is another.
        self.was_cut = False
        self._rotation: str | None = None
        self._gap: str | None = None
        self._lost_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report."""
        return not (self._rotation or self._gap or self.was_cut)

    @property
    def has_gap(self) -> bool:
        """Whether lines may have been lost, which is reported without waiting for lines."""
        return self._gap is not None

    def found_again(self, following: Following, checkpoint: Checkpoint | None) -> None:
        """Take note of where the file of a checkpoint was found, or that it is gone."""
        self.was_cut = following.was_cut
        if following.is_gap:
            unread = checkpoint.unread if checkpoint else 0
            self.lose(TRUNCATED if following.was_cut else LOST, unread)
            self.rotate(REPLACE)

    def rotate(self, kind: str) -> None:
        """Take note of a rotation of this kind; one that cut the file is a truncation."""
        self._rotation = TRUNCATE if self.was_cut else kind
        self.was_cut = False

    def lose(self, kind: str, size: int = 0) -> None:
        """Take note of a gap of this kind, in which `size` bytes are known to be lost."""
        self._gap = kind
        self._lost_bytes += size

    def report(self, block: Block) -> Block:
        """Return the block with all that is pending, which is then reported."""
        reported = block._replace(
            rotation=self._rotation, gap=self._gap, lost_bytes=self._lost_bytes
        )
        self._rotation, self._gap, self._lost_bytes = None, None, 0
        return reported
