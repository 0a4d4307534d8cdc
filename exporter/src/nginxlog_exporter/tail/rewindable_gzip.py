"""A gzip file that can seek back a little without starting anew.

Otherwise the partial line at the end of each block would unpack the file from its beginning.
"""

import io
from gzip import GzipFile

# More than the longest partial line.
KEPT_BYTES = 1 << 18


class RewindableGzipFile(GzipFile):
    """Reads like GzipFile, and keeps the last bytes it returned. For reading only."""

    _kept = b""
    # Offset at which the kept bytes end, and how many of them are to be returned again.
    _end = 0
    _again = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset. More than KEPT_BYTES back is slow. Raises what reading does."""
        back = self._end - offset
        if whence == io.SEEK_SET and 0 <= back <= len(self._kept):
            self._again = back
            return offset
        self._end = super().seek(offset, whence)
        self._kept, self._again = b"", 0
        return self._end

    def read1(self, size: int = -1) -> bytes:
        """Return some bytes, at most `size`; none at the end."""
        if self._again:
            start = len(self._kept) - self._again
            part = self._kept[start : start + size] if size >= 0 else self._kept[start:]
            self._again -= len(part)
            return part
        part = super().read1(size)
        self._kept = (self._kept + part)[-KEPT_BYTES:]
        self._end += len(part)
        return part

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, or those that are left."""
        parts = []
        left = -1 if size is None else size
        while left and (part := self.read1(left)):
            parts.append(part)
            left -= len(part) if left > 0 else 0
        return b"".join(parts)
