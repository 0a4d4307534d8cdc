"""`--once FILE`: the metrics of a log that nobody writes to any more. Keeps no state."""

from dataclasses import replace
from pathlib import Path

from prometheus_client.core import Metric

from nginxlog_exporter import expose
from nginxlog_exporter.follow import Follower
from nginxlog_exporter.logformat import LineFormat
from nginxlog_exporter.settings import Settings


def metrics(settings: Settings, line_format: LineFormat, file: Path) -> list[Metric]:
    """Return what the whole file adds up to. Raises OSError if it cannot be read."""
    if not file.is_file():
        file.stat()
        raise OSError(f"{file} is no ordinary file")
    file.open("rb").close()
    follower = Follower(replace(settings, files=(str(file),)), line_format, complete=True)
    follower.catch_up()
    return expose.metrics(follower, for_prometheus=False)
