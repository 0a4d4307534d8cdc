"""Lines of the access log for people and commands, read by the exporter's own parser."""

from dataclasses import dataclass
from functools import cache

from nginxlog_exporter.parse.line_reader import LineReader
from nginxlog_exporter.parse.nginx_conf import LogFormatError
from nginxlog_exporter.parse.values import split_list
from teal.bootstrap import ROOT
from teal.errors import SettingsError

LOG_FORMAT = ROOT / "nginx" / "templates" / "log.conf.template"


@dataclass(frozen=True)
class LoggedRequest:
    """One line. Times are as nginx writes them: `time` ISO 8601, `ended` and `took` seconds."""

    time: str
    ended: float
    took: float
    method: str
    uri: str
    status: str
    # Address and status of each attempt; the last one is what the client got.
    attempts: list[tuple[str, str]]


def read(line: bytes) -> LoggedRequest | None:
    """Return what a line says; None for one of another format. Raises SettingsError."""
    fields = _reader().fields(line)
    if fields is None:
        return None
    return LoggedRequest(
        time=fields["time_iso8601"],
        ended=float(fields["msec"] or 0),
        took=float(fields["request_time"] or 0),
        method=fields["request_method"],
        uri=fields["request_uri"],
        status=fields["status"],
        attempts=list(
            zip(
                split_list(fields["upstream_addr"]),
                split_list(fields["upstream_status"]),
                strict=False,
            )
        ),
    )


# Private


@cache
def _reader() -> LineReader:
    try:
        return LineReader.of_file(LOG_FORMAT)
    except (OSError, LogFormatError) as error:
        raise SettingsError(f"{LOG_FORMAT.relative_to(ROOT)}: {error}") from error
