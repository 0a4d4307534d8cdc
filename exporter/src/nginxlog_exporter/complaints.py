"""Says on stderr that lines do not match: the first few in full, then a count now and then."""

import logging
import time

from nginxlog_exporter.parse import Parsed

log = logging.getLogger(__name__)

SHOWN = 5
SHOWN_BYTES = 300
COUNT_EVERY_SECONDS = 60.0


class Complaints:
    """Keeps the exporter's own log small, whatever is in the log that it reads."""

    def __init__(self) -> None:
        self._shown = 0
        self._untold = 0
        self._told = 0.0

    def about(self, parsed: Parsed) -> None:
        """Tell of the unparsed lines of a block, if it is time to."""
        bad = parsed.unparsed.total()
        if bad and self._shown < SHOWN:
            self._shown += 1
            first = parsed.first_unparsed[:SHOWN_BYTES]
            log.warning("%s lines do not match the log_format, one is %r", bad, first)
            return
        self._untold += bad
        if self._untold and time.monotonic() - self._told >= COUNT_EVERY_SECONDS:
            self._told = time.monotonic()
            log.warning(
                "%s more lines do not match; --check-config shows where they differ", self._untold
            )
            self._untold = 0
