"""Who takes part: how each is run on a log, and how it tells what it counted."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from teal import debian
from tools.bench import equality, exposition, mtail
from tools.bench.exposition import Samples
from tools.bench.formats import ROOT, TEAL, Format

LIGHT = ", light"
EXPORTER, LIMIT = "exporter", "wc -l"
POOLS = "blue=*:8081,green=*:8082"


@dataclass(frozen=True)
class Contender:
    """One program on one log. Either `samples` or `lines` reads its output."""

    name: str
    what: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    # What it counted, if that can be compared with the exporter.
    samples: Callable[[str], Samples] | None = None
    # How many lines it saw, if that is all there is to compare.
    lines: Callable[[str], int] | None = None


@dataclass(frozen=True)
class Absent:
    """One that cannot take part, and why."""

    name: str
    why: str


class Course(NamedTuple):
    """What is run on: a log, its format, a folder for files made on the way, one for programs."""

    log_format: Format
    log: Path
    folder: Path
    cache: Path


def all_for(course: Course) -> list[Contender | Absent]:
    """Return all, the exporter first and the limit last; little mtail programs for one format."""
    entries: list[Contender | Absent] = [exporter(course)]
    for name, make in _PEERS.items():
        try:
            entries += make(name, course)
        except debian.UnavailableError as error:
            entries.append(Absent(name, str(error)))
    if course.log_format.name != TEAL:
        entries = [entry for entry in entries if not entry.name.endswith(LIGHT)]
    entries.append(naive(course))
    limit: Sequence[str | Path] = ["wc", "-l", course.log]
    return [*entries, Contender(LIMIT, "the limit: counts newlines", limit, lines=_number)]


def exporter(course: Course) -> Contender:
    """Return the exporter, as `--once` runs it: complete, but for the HTTP server."""
    return Contender(
        EXPORTER,
        "all its metrics",
        [sys.executable, "-m", "nginxlog_exporter", "--once", course.log],
        {
            "PYTHONPATH": str(ROOT / "exporter" / "src"),
            "NGINXLOG_FORMAT": course.log_format.setting,
            "NGINXLOG_FORMAT_FILE": "",
            "NGINXLOG_POOLS": POOLS,
        },
        samples=exposition.samples,
    )


def naive(course: Course) -> Contender:
    """Return the loop that one writes first."""
    how = "json" if course.log_format.escape == "json" else _expression(course.log_format)
    return Contender(
        "naive Python loop",
        "the same metrics: pygtail, `json.loads` or `re`, `labels().inc()`",
        [sys.executable, Path(__file__).with_name("naive.py"), course.log, how],
        samples=exposition.samples,
    )


def mtails(name: str, suite: str, course: Course) -> list[Contender]:
    """Return mtail with two programs: one that counts the same, and one that counts little.

    Raises UnavailableError.
    """
    program = debian.fetch("mtail", ["mtail"], suite, course.cache)
    return [
        Contender(
            name,
            f"{program.version}, the same metrics",
            _mtail_command(program, "complete", mtail.complete(course.log_format), course),
            samples=lambda text: equality.from_mtail(exposition.samples(text)),
        ),
        Contender(
            name + LIGHT,
            "only one counter and one histogram",
            _mtail_command(program, "light", mtail.light(course.log_format), course),
            lines=lambda text: int(exposition.value(text, "requests_total")),
        ),
    ]


# Private


def _mtail_command(
    program: debian.Program, name: str, text: str, course: Course
) -> Sequence[str | Path]:
    file = course.folder / f"{name}.mtail"
    file.write_text(text, encoding="utf-8")
    return [
        program.path, "--one_shot", "--one_shot_format=prometheus", f"--progs={file}",
        f"--logs={course.log}", "--address=127.0.0.1", "--port=0",
    ]  # fmt: skip


def _goaccess(name: str, course: Course) -> list[Contender]:
    libraries = ("libmaxminddb0", "libncursesw6", "libtinfo6")
    program = debian.fetch("goaccess", ["goaccess", *libraries], "bookworm", course.cache)
    report = course.folder / "goaccess.json"
    iso = "$time_iso8601" in course.log_format.text
    command: Sequence[str | Path] = [
        program.path, course.log, "--no-global-config", "--no-progress", f"--output={report}",
        f"--log-format={_goaccess_format(course.log_format)}", "--time-format=%H:%M:%S",
        "--date-format=%Y-%m-%d" if iso else "--date-format=%d/%b/%Y",
    ]  # fmt: skip
    return [
        Contender(
            name,
            f"{program.version}, its own report as JSON",
            command,
            program.environment,
            lines=lambda _: int(json.loads(report.read_bytes())["general"]["valid_requests"]),
        )
    ]


_PEERS: dict[str, Callable[[str, Course], list[Contender]]] = {
    "mtail, Debian 12": lambda name, course: mtails(name, "bookworm", course),
    "mtail, Debian sid": lambda name, course: mtails(name, "sid", course),
    "goaccess, Debian 12": _goaccess,
}

_GOACCESS = {
    "remote_addr": "%h",
    "time_iso8601": "%dT%t+%^",
    "time_local": "%d:%t %^",
    "request": "%r",
    "request_method": "%m",
    "request_uri": "%U",
    "status": "%s",
    "bytes_sent": "%b",
    "request_time": "%T",
    "http_user_agent": "%u",
    "http_referer": "%R",
}


def _goaccess_format(log_format: Format) -> str:
    pieces = log_format.pieces
    pieces[1::2] = [_GOACCESS.get(variable, "%^") for variable in pieces[1::2]]
    return "".join(pieces)


def _expression(log_format: Format) -> str:
    """Return the expression a person would write: one named group for each variable."""
    pieces = [*log_format.pieces, "\n"]
    text = ""
    for literal, variable, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        end = re.escape(after[:1] or "\n")
        group = "(?P<request_method>[A-Z]+) " if variable == "request" else f"(?P<{variable}>"
        text += re.escape(literal) + group
        text += f"[^{end}]*" if variable == "request" else f"[^{end}]*)"
    return text


def _number(text: str) -> int:
    return int(text.split(maxsplit=1)[0])
