"""Lines of the access log for people and commands, read by the exporter's own parser."""

from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

from nginxlog_exporter.parse.line_reader import LineReader
from nginxlog_exporter.parse.nginx_conf import LogFormatError
from nginxlog_exporter.parse.values import present, split_list
from teal.bootstrap import ROOT
from teal.errors import SettingsError

LOG_FORMAT = ROOT / "nginx" / "templates" / "log.conf.template"


@dataclass(frozen=True)
class LoggedRequest:
    """One line. Times are as nginx writes them: `time` ISO 8601, `ended` and `took` seconds.

    None is what a format that a user has edited does not say.
    """

    time: str | None
    ended: float | None
    took: float | None
    method: str | None
    uri: str | None
    status: str
    # Address and status of each attempt; the last one is what the client got.
    attempts: list[tuple[str, str]]


def read(line: bytes) -> LoggedRequest | None:
    """Return what a line says; None for one of another format. Raises SettingsError."""
    fields = _reader().fields(line)
    if fields is None:
        return None
    return LoggedRequest(
        time=fields.get("time_iso8601"),
        ended=_number(fields.get("msec")),
        took=_number(fields.get("request_time")),
        method=fields.get("request_method"),
        uri=fields.get("request_uri"),
        status=fields["status"],
        attempts=list(
            zip_longest(
                split_list(fields.get("upstream_addr", "")),
                split_list(fields.get("upstream_status", "")),
                fillvalue="",
            )
        ),
    )


# Private


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and present(text) else None


@cache
def _reader() -> LineReader:
    try:
        return LineReader.of_file(LOG_FORMAT)
    except (OSError, LogFormatError) as error:
        raise SettingsError(f"{LOG_FORMAT.relative_to(ROOT)}: {error}") from error
