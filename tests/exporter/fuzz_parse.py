"""Formats to fuzz, what must hold for any bytes, and a run of it with atheris.

The tests play this with Hypothesis (test_parse_fuzz.py). For an extra run, guided by coverage and
as long as one likes, atheris has to be installed beside Teal's packages; it is in no lock file:

    python3 -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris -r requirements-dev.txt
    PYTHONPATH=.:exporter/src:tests/exporter /tmp/fuzz/bin/python tests/exporter/fuzz_parse.py \
        -max_total_time=60

It ends with a message if an input raised or dropped a line, and keeps that input in a file.
"""

import logging
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from loglines import BLUE, GREEN, line, settings, teal_format

from nginxlog_exporter.config import Settings
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import URI, LineFormat, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat
from nginxlog_exporter.parse.parser import parse
from nginxlog_exporter.pipeline import Pipeline

_JSON = (
    '{"method":"$request_method","status":"$status","addr":"$upstream_addr",'
    '"upstream_status":"$upstream_status","time":"$request_time","bytes":"$bytes_sent",'
    '"uri":"$request_uri","agent":"$http_user_agent"}'
)
_COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" addr=$upstream_addr status=$upstream_status '
    "time=$request_time up=$upstream_response_time"
)
_TABS = (
    "$msec\t$request_method\t$status\t$upstream_addr\t$upstream_status\t$upstream_response_time"
    "\t$request_time\t$bytes_sent\t$request_uri"
)


@lru_cache(maxsize=1)
def _settings(folder: Path) -> Settings:
    return settings(folder, routes="/a,/b/:id")


# Name -> the compiled format and a line of it.
FORMATS: dict[str, tuple[LineFormat, bytes]] = {
    "teal": (teal_format(), line()),
    "json": (
        compile_format(LogFormat("json", _JSON, "json")),
        f'{{"method":"GET","status":"200","addr":"{BLUE}","upstream_status":"200","time":"0.012",'
        '"bytes":"1000","uri":"/","agent":"curl"}\n'.encode(),
    ),
    "combined": (
        compile_format(LogFormat("combined", _COMBINED)),
        b'10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 1000 "-" "curl" addr='
        + f"{BLUE}, {GREEN} status=502, 200 time=0.012 up=0.001, 0.011\n".encode(),
    ),
    "tabs": (
        compile_format(LogFormat("tabs", _TABS)),
        b"1790000000.000\tGET\t200\t127.0.0.1:8081\t200\t0.011\t0.012\t1000\t/\n",
    ),
    # Where nothing that is not counted stands between, a cut line must not swallow the next.
    "routes": (
        compile_format(
            LogFormat("routes", "$request_method $status $request_uri $host"), extra=[URI]
        ),
        b"GET 200 /b/1 localhost\n",
    ),
}


def check(name: str, block: bytes, folder: Path) -> None:
    """Parse and count a block of complete lines, in this format, in an empty folder.

    Raises AssertionError if a line disappears, and whatever the exporter raises.
    """
    line_format = FORMATS[name][0]
    lines = block.count(b"\n")
    parsed = parse(block, line_format)
    assert lines == len(parsed.rows) + parsed.unparsed.total()
    # A line means the same in whatever block it stands, and whichever expression it is read with.
    alone = map(line_format.exact.fullmatch, block.split(b"\n")[:-1])
    rows = [match.groups() for match in alone if match]
    assert [line_format.labels.of(row) for row in rows] == list(parsed.labels)
    assert [line_format.times.of(row) for row in rows] == list(
        map(line_format.times.of, parsed.rows)
    )

    (folder / "access.log").write_bytes(block)
    pipeline = Pipeline(_settings(folder), line_format)
    pipeline.catch_up()
    counted = {"nginxlog_http_responses_total": 0, "nginxlog_exporter_lines_total": 0}
    for family in collector.metrics(pipeline, for_prometheus=False):
        for sample in family.samples:
            if sample.name in counted:
                counted[sample.name] += sample.value
    assert counted == {
        "nginxlog_http_responses_total": len(parsed.rows),
        "nginxlog_exporter_lines_total": lines,
    }


def main() -> None:
    """Fuzz until told to stop."""
    import atheris  # noqa: PLC0415 - an extra, see above

    logging.disable()
    atheris.instrument_all()
    folder = Path(tempfile.mkdtemp())
    names = sorted(FORMATS)

    def one(data: bytes) -> None:
        source = atheris.FuzzedDataProvider(data)
        name = names[source.ConsumeIntInRange(0, len(names) - 1)]
        # A good line with something else in the middle of it, then anything.
        good = FORMATS[name][1]
        start = source.ConsumeIntInRange(0, len(good) - 1)
        end = source.ConsumeIntInRange(start, len(good) - 1)
        inserted = source.ConsumeBytes(source.ConsumeIntInRange(0, 60))
        rest = source.ConsumeBytes(source.remaining_bytes())
        for old in folder.iterdir():
            old.unlink()
        check(name, good[:start] + inserted + good[end:] + rest + b"\n", folder)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
