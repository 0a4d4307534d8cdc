"""Lines of the Teal log as nginx writes them, and the exporter's parts made ready for a test."""

import re
from pathlib import Path

from nginxlog_exporter import config as settings_module
from nginxlog_exporter.config import Settings
from nginxlog_exporter.count.aggregate import Aggregate, CountingConfig
from nginxlog_exporter.count.histogram import DEFAULT_BUCKETS
from nginxlog_exporter.count.routes import Routes
from nginxlog_exporter.parse.log_format import LineFormat, compile_format
from nginxlog_exporter.parse.nginx_conf import choose, log_formats
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pools.pool_map import PoolMap

FORMAT_FILE = Path(__file__).parents[2] / "nginx" / "templates" / "log.conf.template"
BLUE, GREEN = "127.0.0.1:8081", "127.0.0.1:8082"
POOLS = PoolMap({"blue": ("*:8081",), "green": ("*:8082",)})
START = 1_790_000_000.0

_VALUES = {
    "desired": "blue",
    "request_method": "GET",
    "status": "200",
    "upstream_addr": BLUE,
    "upstream_status": "200",
    "upstream_http_x_release_id": "v1",
    "streaming": "0",
    "request_time": "0.012",
    "upstream_response_time": "0.011",
    "upstream_connect_time": "0.001",
    "bytes_sent": "1000",
    "request_length": "200",
    "time_iso8601": "2026-09-21T14:13:20+00:00",
    "msec": f"{START:.3f}",
    "remote_addr": "10.0.0.1",
    "request_id": "0123456789abcdef0123456789abcdef",
    "request_uri": "/",
    "http_user_agent": "curl/8",
}


def teal_format() -> LineFormat:
    """Return the format that nginx really uses here."""
    return compile_format(choose(log_formats(FORMAT_FILE.read_text()), None))


def line(**values: object) -> bytes:
    """Return one line of the Teal format, newline included; nginx's variables by name."""
    text = choose(log_formats(FORMAT_FILE.read_text()), None).text
    filled = re.sub(r"\$(\w+)", lambda name: str({**_VALUES, **values}[name[1]]), text)
    return filled.encode("utf-8", "surrogateescape") + b"\n"


def numbered(count: int, *, first: int = 0) -> list[bytes]:
    """Return different lines, one millisecond apart."""
    return [
        line(msec=f"{START + i / 1000:.3f}", request_id=f"{i:032x}")
        for i in range(first, first + count)
    ]


def aggregate(*, window: int = 200, active_after: int = 5) -> Aggregate:
    """Return an empty aggregate of the Teal format."""
    config = CountingConfig(
        pools=POOLS,
        buckets=DEFAULT_BUCKETS,
        window=window,
        active_after=active_after,
        routes=Routes(),
    )
    return Aggregate(config, teal_format())


def counted(*lines: bytes, **config: int) -> Aggregate:
    """Return an aggregate that has counted these lines."""
    result = aggregate(**config)
    result.add(parse(b"".join(lines), teal_format()))
    return result


def settings(folder: Path, **flags: str) -> Settings:
    """Return settings for a log in this folder; flags by the end of their variable's name."""
    names = {f"NGINXLOG_{name.upper()}": value for name, value in flags.items()}
    return settings_module.load(
        {
            "NGINXLOG_FILE": str(folder / "access.log"),
            "NGINXLOG_FORMAT_FILE": str(FORMAT_FILE),
            "NGINXLOG_STATE_FILE": str(folder / "state.json"),
            "NGINXLOG_LISTEN": "127.0.0.1:0",
            "NGINXLOG_POOLS": "blue=*:8081,green=*:8082",
            **names,
        },
        {},
    )
