"""Request ids of sample requests, one for each bucket of a pool: from a histogram to a log line.

Only the last lines of each block are looked at, and only once somebody has asked for OpenMetrics:
it costs nearly nothing. Exemplars are not kept over a restart.
"""

from collections.abc import Callable

from prometheus_client.samples import Exemplar

from nginxlog_exporter.count.classifier import RequestClassifier
from nginxlog_exporter.count.histogram import Histogram
from nginxlog_exporter.parse.log_format import REQUEST_ID, LineFormat, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat
from nginxlog_exporter.parse.parser import plain_ends
from nginxlog_exporter.parse.records import Texts, Times
from nginxlog_exporter.parse.values import seconds

# Of each block.
_LAST_LINES = 8
# In characters; OpenMetrics allows 128 for labels and values together.
_MAX_ID_CHARS = 64


class Exemplars:
    """The last request of each pool and bucket. Nothing where the log has no `$request_id`."""

    def __init__(
        self,
        log_format: LogFormat,
        line_format: LineFormat,
        classifier: RequestClassifier,
        times: Callable[[Texts], Times],
        bounds: tuple[float, ...],
    ) -> None:
        self.wanted = False
        self._classifier = classifier
        self._times = times
        self._histogram = Histogram(bounds)
        self._format = (
            compile_format(log_format, extra=[REQUEST_ID])
            if f"${REQUEST_ID}" in log_format.text.replace("{", "")
            and "request_time" in line_format.fields
            else None
        )
        self._found: dict[tuple[str, int], Exemplar] = {}

    def take(self, lines: bytes) -> None:
        """Look at the last lines of a block."""
        if self.wanted and self._format:
            for line in plain_ends(lines[-_LAST_BYTES:]).split(b"\n")[-_LAST_LINES - 1 : -1]:
                self._take_one(line, self._format)

    def of(self, pool: str, buckets: int) -> list[Exemplar | None]:
        """Return the exemplars of a pool's buckets, in their order."""
        return [self._found.get((pool, bucket)) for bucket in range(buckets)]

    # Private

    def _take_one(self, line: bytes, line_format: LineFormat) -> None:
        match = line_format.exact.fullmatch(line)
        if match is None:
            return
        row = match.groups()
        labels = line_format.labels.of(row)
        timing = self._classifier.of([labels])[labels].timing
        took = self._times(line_format.times.of(row)).request
        request_id = row[line_format.columns[REQUEST_ID]].decode("ascii", "replace")
        if took is None or not timing.timed or not 1 < len(request_id) <= _MAX_ID_CHARS:
            return
        ended = line_format.columns.get("msec")
        self._found[timing.pool, self._histogram.bucket(took)] = Exemplar(
            {REQUEST_ID: request_id},
            took / 1000,
            seconds(row[ended]) or None if ended is not None else None,
        )


# A little more than the last lines nearly always are; a longer line is no sample.
_LAST_BYTES = 16_384
