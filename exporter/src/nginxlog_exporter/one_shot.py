"""`--once FILE`: the metrics of a log that nobody writes to any more. Keeps no state."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from prometheus_client.core import Metric

from nginxlog_exporter.config import Settings
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.tail.followed_file import FollowedFile
from nginxlog_exporter.tail.stream import StreamTailer

STDIN = Path("-")


def metrics(settings: Settings, line_format: LineFormat, file: Path) -> list[Metric]:
    """Return what the whole file adds up to; `-` is standard input. Raises OSError.

    What can be read only once, such as a pipe, is read as it comes.
    """
    pipeline = Pipeline(replace(settings, files=(str(file),)), line_format, complete=True)
    if file == STDIN:
        _add(pipeline, file, sys.stdin.buffer)
    elif file.is_file():
        file.open("rb").close()
        pipeline.catch_up()
    else:
        with file.open("rb") as stream:  # a folder raises
            _add(pipeline, file, stream)
    return collector.metrics(pipeline, for_prometheus=False)


# Private


def _add(pipeline: Pipeline, file: Path, stream: BinaryIO) -> None:
    pipeline.files[file] = FollowedFile(file, source=StreamTailer(stream))
    while pipeline.read(pipeline.files[file]):
        pass
