"""The parse error log, rate limited: the first bad lines in full, then a count once a minute."""

import logging
import time

from nginxlog_exporter.parse.records import Parsed

log = logging.getLogger(__name__)

SHOWN = 5
SHOWN_BYTES = 300
COUNT_EVERY_SECONDS = 60.0


class ParseErrorLog:
    """Keeps the exporter's own log small, whatever is in the log that it reads."""

    def __init__(self) -> None:
        self._shown = 0
        self._pending = 0
        self._reported = 0.0

    def report(self, parsed: Parsed) -> None:
        """Log the unparsed lines of a block, or add them to the next count."""
        bad = parsed.unparsed.total()
        if bad and self._shown < SHOWN:
            self._shown += 1
            first = parsed.first_unparsed[:SHOWN_BYTES]
            log.warning("%s lines do not match the log_format, one is %r", bad, first)
            return
        self._pending += bad
        if self._pending and time.monotonic() - self._reported >= COUNT_EVERY_SECONDS:
            self._reported = time.monotonic()
            log.warning(
                "%s more lines do not match; --check-config shows where they differ", self._pending
            )
            self._pending = 0
