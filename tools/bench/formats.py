"""The log formats of the benchmark: what people write into nginx.conf, as nginx reads it."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TEAL_FILE = ROOT / "nginx" / "templates" / "log.conf.template"

_VARIABLE = re.compile(r"\$(\w+)", re.ASCII)


class Format(NamedTuple):
    """One log format: its name, what a reader should know of it, nginx's text and escaping."""

    name: str
    meaning: str
    text: str
    escape: str = "default"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables in the order of the line."""
        return tuple(_VARIABLE.findall(self.text))

    @property
    def pieces(self) -> list[str]:
        """The text cut into literal, variable, literal, ..., literal."""
        return _VARIABLE.split(self.text)

    @property
    def absent(self) -> str:
        """What nginx writes for a variable that has no value."""
        return "" if self.escape == "json" else "-"

    @property
    def setting(self) -> str:
        """The text as NGINXLOG_FORMAT takes it."""
        return self.text if self.escape == "default" else f"escape={self.escape} {self.text}"


def _teal(configuration: str) -> str:
    """Return the text of the only log_format of our configuration, whose strings are simple."""
    directive = configuration.partition("\nlog_format teal")[2].partition(";\n")[0]
    return "".join(re.findall(r"'([^']*)'", directive))


def _names(*lines: str) -> list[str]:
    return " ".join(lines).split()


_JSON = ",".join(
    f'"{name}":"${name}"'
    for name in _names(
        "time_iso8601 msec remote_addr request_id request_method request_uri status bytes_sent",
        "request_length request_time upstream_addr upstream_status upstream_response_time",
        "upstream_connect_time upstream_http_x_release_id desired streaming http_user_agent",
    )
)
_COMBINED = (
    "$remote_addr - $remote_user [$time_local] "
    '"$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    'sent=$bytes_sent length=$request_length time=$request_time addr="$upstream_addr" '
    'upstream="$upstream_status" response="$upstream_response_time" '
    'connect="$upstream_connect_time" streaming=$streaming'
)
_TABS = "\t".join(
    f"${name}"
    for name in _names(
        "time_iso8601 remote_addr request_id request_method status request_time bytes_sent",
        "request_length upstream_addr upstream_status upstream_response_time",
        "upstream_connect_time streaming request_uri http_user_agent",
    )
)

TEAL = "teal"
FORMATS = {
    each.name: each
    for each in (
        Format(
            TEAL,
            "Teal's own: few-valued fields first and together",
            _teal(TEAL_FILE.read_text(encoding="utf-8")),
        ),
        Format("json", "JSON with `escape=json`", "{" + _JSON + "}", "json"),
        Format("combined", "nginx's `combined` and what it lacks", _COMBINED),
        Format("tabs", "fields separated by tabs", _TABS),
    )
}
