"""What a user may set, by variable or by flag. The only reader of the environment.

A wrong setting is refused at start, by name, with what would be right.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from nginxlog_exporter.count.cardinality import OTHER
from nginxlog_exporter.count.histogram import DEFAULT_BUCKETS
from nginxlog_exporter.count.routes import Routes
from nginxlog_exporter.parse.nginx_conf import (
    COMBINED,
    LogFormat,
    LogFormatError,
    choose,
    log_formats,
)
from nginxlog_exporter.pools.pool_map import NONE, UNKNOWN, PoolMap
from nginxlog_exporter.web.server import Address
from nginxlog_exporter.web.strict_yaml import WebConfigError
from nginxlog_exporter.web.web_config import WebFile

PREFIX = "NGINXLOG_"
# As all Prometheus exporters have it.
_CUSTOMARY = {"NGINXLOG_WEB_CONFIG_FILE": ("--web.config.file",)}


class SettingsError(Exception):
    """A setting is wrong; the text names it and says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one exporter, validated."""

    # Paths, and patterns of paths.
    files: tuple[str, ...]
    from_end: bool
    log_format: LogFormat
    pools: PoolMap
    desired_dir: Path | None
    listen: Address
    state_file: Path
    window: int
    active_after: int
    poll_seconds: float
    routes: Routes
    web_config: WebFile | None
    buckets: tuple[float, ...]

    def has(self, feature: str) -> bool:
        """Tell whether one of the `FEATURES` is set."""
        parts = {
            "pools": self.pools.names,
            "routes": self.routes.templates,
            "desired_dir": self.desired_dir,
        }
        return bool(parts[feature])


class Variable(NamedTuple):
    """One setting: `NGINXLOG_FILE` is `--file` on the command line, which beats the variable."""

    name: str
    default: str
    meaning: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The flag that mirrors the variable, after the one that is customary, if there is one."""
        flag = "--" + self.name.removeprefix(PREFIX).lower().replace("_", "-")
        return (*_CUSTOMARY.get(self.name, ()), flag)


VARIABLES = (
    Variable(
        "NGINXLOG_FILE", "", "access logs, separated by commas; *, ? fit any text, any character"
    ),
    Variable("NGINXLOG_READ_FROM", "beginning", "beginning or end, of a log without a snapshot"),
    Variable("NGINXLOG_FORMAT_FILE", "", "an nginx configuration file that holds the log_format"),
    Variable(
        "NGINXLOG_FORMAT", "", "the text of the log_format itself, or combined, instead of a file"
    ),
    Variable("NGINXLOG_FORMAT_NAME", "", "which log_format of the file, if it holds several"),
    Variable(
        "NGINXLOG_POOLS",
        "",
        "name=address,...; * is any text, | separates addresses, group/name makes groups;"
        " without any, each upstream address is a pool",
    ),
    Variable("NGINXLOG_DESIRED_DIR", "", "folder in which a flag file declares the desired pool"),
    Variable("NGINXLOG_LISTEN", "127.0.0.1:9117", "address:port to serve metrics at"),
    Variable("NGINXLOG_STATE_FILE", "nginxlog-exporter.json", "where counters survive a restart"),
    Variable("NGINXLOG_WINDOW", "200", "size of the window of last requests"),
    Variable("NGINXLOG_ACTIVE_AFTER", "5", "requests in a row that make another pool active"),
    Variable(
        "NGINXLOG_POLL_SECONDS", "0.5", "how often to look for new lines; each scrape does so too"
    ),
    Variable("NGINXLOG_ROUTES", "", "templates such as /api/users/:id,/static/*, to count by"),
    Variable(
        "NGINXLOG_WEB_CONFIG_FILE", "", "TLS and basic authentication, as Prometheus exporters do"
    ),
    Variable(
        "NGINXLOG_BUCKETS",
        ",".join(f"{bound:g}" for bound in DEFAULT_BUCKETS),
        "upper limits of the histograms, in seconds",
    ),
)


def load(
    flags: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
    *,
    keeps_state: bool = True,
) -> Settings:
    """Read the settings; `flags` maps names of variables to what the command line says.

    Without `keeps_state` the place of the snapshot need not be usable. Raises SettingsError.
    """
    texts = {
        variable.name: flags.get(variable.name, environment.get(variable.name, "")).strip()
        or variable.default
        for variable in VARIABLES
    }
    values = {name: _checked(name, texts[name]) for name in _READERS}
    # One spelling for each: paths are compared.
    files = tuple(
        os.path.normpath(file.strip()) for file in texts["NGINXLOG_FILE"].split(",") if file.strip()
    )
    if not files:
        raise SettingsError("NGINXLOG_FILE is not set; it must be the path of nginx's access log")
    state_file = values["NGINXLOG_STATE_FILE"]
    if keeps_state and (not os.access(state_file.parent, os.W_OK) or state_file.is_dir()):
        raise _wrong("NGINXLOG_STATE_FILE", str(state_file), "a file in a folder that is writable")
    return Settings(
        files=files,
        log_format=_log_format(texts),
        desired_dir=_path(texts["NGINXLOG_DESIRED_DIR"]),
        web_config=_web_config(texts["NGINXLOG_WEB_CONFIG_FILE"]),
        from_end=values.pop("NGINXLOG_READ_FROM"),
        **{name.removeprefix(PREFIX).lower(): value for name, value in values.items()},
    )


# Private

_HIGHEST_PORT = 65535
_MOST_BUCKETS = 100
_MOST_ROUTES = 100


def _checked(name: str, text: str) -> Any:  # noqa: ANN401 - each reader has a type of its own
    read, right = _READERS[name]
    try:
        return read(text)
    except (ValueError, KeyError) as error:
        raise _wrong(name, text, right) from error


def _wrong(name: str, text: str, right: str) -> SettingsError:
    return SettingsError(f"{name}: {text!r} is not valid; it must be {right}")


def _log_format(texts: Mapping[str, str]) -> LogFormat:
    text, file = texts["NGINXLOG_FORMAT"], texts["NGINXLOG_FORMAT_FILE"]
    if bool(text) == bool(file):
        raise SettingsError(
            "set either NGINXLOG_FORMAT_FILE (an nginx configuration) or NGINXLOG_FORMAT (the text"
            f" of a log_format); {'both are' if text else 'neither is'} set"
        )
    if text and texts["NGINXLOG_FORMAT_NAME"]:
        raise SettingsError(
            "NGINXLOG_FORMAT_NAME is for NGINXLOG_FORMAT_FILE; it names a format there"
        )
    if text == COMBINED.name:
        return COMBINED
    if text:
        # As nginx has it: escape=json may stand before the text.
        escape = re.match(r"escape=(\w*)\s+", text)
        if escape and escape[1] not in ("default", "json", "none"):
            raise _wrong("NGINXLOG_FORMAT", escape[0], "escape=default, escape=json or escape=none")
        if escape:
            return LogFormat("NGINXLOG_FORMAT", text[escape.end() :], escape[1])
        return LogFormat("NGINXLOG_FORMAT", text)
    try:
        configuration = Path(file).read_text(encoding="utf-8")
        return choose(log_formats(configuration), texts["NGINXLOG_FORMAT_NAME"] or None)
    except (OSError, UnicodeDecodeError, LogFormatError) as error:
        raise SettingsError(f"NGINXLOG_FORMAT_FILE {file}: {error}") from error


def _pools(text: str) -> PoolMap:
    pools: dict[str, tuple[str, ...]] = {}
    for entry in text.split(",") if text else ():
        name, _, addresses = (part.strip() for part in entry.partition("="))
        patterns = tuple(address.strip() for address in addresses.split("|"))
        usable = re.fullmatch(
            r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*/)?[A-Za-z0-9][A-Za-z0-9_.-]*", name
        ) and all("*" in pattern or ":" in pattern for pattern in patterns)
        if not usable or name in (NONE, UNKNOWN, OTHER, *pools):
            raise ValueError(entry)
        pools[name] = patterns
    return PoolMap(pools)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _web_config(text: str) -> WebFile | None:
    try:
        return WebFile(Path(text)) if text else None
    except WebConfigError as error:
        raise SettingsError(f"NGINXLOG_WEB_CONFIG_FILE {error}") from error


def _from_end(text: str) -> bool:
    return {"beginning": False, "end": True}[text]


def _routes(text: str) -> Routes:
    templates = [template.strip() for template in text.split(",")] if text else []
    if len(templates) > _MOST_ROUTES:
        raise ValueError(text)
    return Routes(templates)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise ValueError(text)
    return Address(host.strip("[]"), int(port))


def _from_one(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:  # noqa: PLR2004 - said in the table of readers
        raise ValueError(text)
    return number


def _poll_seconds(text: str) -> float:
    seconds = float(text)
    if not 0.01 <= seconds <= 60:  # noqa: PLR2004 - said in the table of readers
        raise ValueError(text)
    return seconds


def _buckets(text: str) -> tuple[float, ...]:
    bounds = tuple(float(bound) for bound in text.split(","))
    rising = all(low < high for low, high in pairwise(bounds))
    if (
        not rising
        or not bounds[0] > 0
        or not math.isfinite(bounds[-1])
        or len(bounds) > _MOST_BUCKETS
    ):
        raise ValueError(text)
    return bounds


# Variable -> how its text is read (ValueError if it cannot be), and what is right.
_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "NGINXLOG_READ_FROM": (_from_end, "beginning or end"),
    "NGINXLOG_ROUTES": (
        _routes,
        "at most 100 paths such as /api/users/:id,/static/*, each once, with * at the end only",
    ),
    "NGINXLOG_POOLS": (
        _pools,
        "such as blue=10.0.0.1:80|10.0.0.2:80,green=*:8082, each name once, addresses with a port",
    ),
    "NGINXLOG_LISTEN": (_address, "an address and port such as 127.0.0.1:9117 or [::1]:9117"),
    "NGINXLOG_STATE_FILE": (Path, "a path"),
    "NGINXLOG_WINDOW": (_from_one, "a whole number from 1 to 1000000"),
    "NGINXLOG_ACTIVE_AFTER": (_from_one, "a whole number from 1 to 1000000"),
    "NGINXLOG_POLL_SECONDS": (_poll_seconds, "a number of seconds from 0.01 to 60"),
    "NGINXLOG_BUCKETS": (_buckets, "rising numbers of seconds such as 0.1,0.5,1"),
}
