"""A source that can be read only once, such as standard input -> the same blocks."""

from typing import BinaryIO

from nginxlog_exporter.tail import lines
from nginxlog_exporter.tail.block import Block
from nginxlog_exporter.tail.checkpoint import NOWHERE, Checkpoint


class StreamTailer:
    """Reads to the end, in blocks of complete lines. There is no checkpoint to resume from."""

    checkpoint: Checkpoint | None = None
    readable = True
    missing = is_lost = False
    has_pending = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""
        # The line being read is longer than a block.
        self._is_too_long = False
        self._skipped = 0

    def begin(self) -> None:
        """Do nothing: it begins where it is."""

    def backlog(self) -> int:
        """Return 0: nobody knows what is still to come."""
        return 0

    def read(self) -> Block | None:
        """Return the next block, None at the end. Raises OSError."""
        while True:
            data = self._stream.read(lines.BLOCK_BYTES)
            whole = self._rest + data
            end = whole.rfind(b"\n") + 1
            if not data:
                self._rest = b""
                is_end = not whole and not self._is_too_long
                return None if is_end else self._block(whole + b"\n", len(whole))
            if end:
                self._rest = whole[end:]
                return self._block(whole[:end], end)
            self._rest = whole
            if len(whole) > lines.BLOCK_BYTES:
                self._is_too_long, self._rest = True, b""
                self._skipped += len(whole)

    # Private

    def _block(self, text: bytes, size: int) -> Block:
        too_long, size = int(self._is_too_long), size + self._skipped
        if too_long:
            text = text.partition(b"\n")[2]
        self._is_too_long, self._skipped = False, 0
        return Block(text, NOWHERE, size, too_long)
