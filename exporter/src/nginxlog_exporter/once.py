"""`--once FILE`: the metrics of a log that nobody writes to any more. Keeps no state."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from prometheus_client.core import Metric

from nginxlog_exporter.follow import Follower
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.settings import Settings
from nginxlog_exporter.tail.followed_file import FollowedFile
from nginxlog_exporter.tail.stream import StreamTailer

STDIN = Path("-")


def metrics(settings: Settings, line_format: LineFormat, file: Path) -> list[Metric]:
    """Return what the whole file adds up to; `-` is standard input. Raises OSError.

    What can be read only once, such as a pipe, is read as it comes.
    """
    follower = Follower(replace(settings, files=(str(file),)), line_format, complete=True)
    if file == STDIN:
        _add(follower, file, sys.stdin.buffer)
    elif file.is_file():
        file.open("rb").close()
        follower.catch_up()
    else:
        with file.open("rb") as stream:  # a folder raises
            _add(follower, file, stream)
    return collector.metrics(follower, for_prometheus=False)


# Private


def _add(follower: Follower, file: Path, stream: BinaryIO) -> None:
    follower.files[file] = FollowedFile(file, source=StreamTailer(stream))
    while follower.read(follower.files[file]):
        pass
