"""Step 2 of the path: a block of complete lines -> rows, and what a row means. Pure.

No line raises and none disappears: rows and unparsed lines add up to the lines of the block.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from nginxlog_exporter.logformat import LineFormat, Row, Texts
from nginxlog_exporter.patterns import DECIMAL
from nginxlog_exporter.pools import NONE, PoolMap, is_address
from nginxlog_exporter.statuses import STATUSES
from nginxlog_exporter.tail.file_counters import ENCODING, FORMAT

OTHER = "other"
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
)
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", OTHER)
FAILED = "5xx"
SWITCHING_PROTOCOLS = "101"
CLIENT_CLOSED_REQUEST = "499"


class Parsed(NamedTuple):
    """What a block held. `labels` are the label texts of each row, `counts` how often each comes.

    `first_unparsed` is for a person to read.
    """

    rows: Sequence[Row]
    labels: Sequence[Texts]
    counts: Counter[Texts]
    unparsed: Counter[str]
    first_unparsed: bytes = b""

    @property
    def lines(self) -> int:
        """How many lines the block had."""
        return len(self.rows) + self.unparsed.total()


class Attempt(NamedTuple):
    """One try of one server; `place` is its position in nginx's lists."""

    place: int
    pool: str
    upstream: str
    status: str


class Request(NamedTuple):
    """What the labels of a row mean.

    Label values are from closed sets, but for upstream, group and release, and for the pool where
    none are configured.
    """

    method: str
    status: str
    status_class: str
    # The pool whose answer the client got.
    pool: str
    attempts: tuple[Attempt, ...]
    # Groups of which no server was live.
    groups: tuple[str, ...]
    # `saved` or `failed` after more than one attempt.
    retried: str | None
    release: str | None
    # The declared pool, if the log says it.
    desired: str | None
    # Whether its duration is that of an ordinary request.
    timed: bool
    # Whether it shows that the pool serves.
    served: bool


class Times(NamedTuple):
    """How long a request and its attempts took, in milliseconds; None where the log tells none."""

    request: int | None
    responses: tuple[int | None, ...]
    connects: tuple[int | None, ...]


def plain_ends(block: bytes) -> bytes:
    """Return the lines with ends as nginx writes them; files that went through Windows have CRLF.

    nginx escapes a CR in a value, unless the format says escape=none.
    """
    # To look for one byte takes a hundredth of looking for two.
    return block.replace(b"\r\n", b"\n") if b"\r" in block else block


def parse(block: bytes, line_format: LineFormat) -> Parsed:
    """Parse complete lines, each ending in a newline or CRLF."""
    block = plain_ends(block)
    rows = line_format.quick.findall(block)
    labels = list(map(line_format.labels.of, rows))
    counts = Counter(labels)
    took_several = (
        len(rows) != _lines(block) if line_format.skips else any(map(_has_newline, counts))
    )
    if took_several or line_format.labels.nothing in counts:
        return _parse_exactly(block, line_format)
    return Parsed(rows, labels, counts, Counter())


def interpret(fields: Mapping[str, str], pools: PoolMap) -> Request:
    """Say what a request with these label fields is counted as. Absent (`-`, empty) is no error."""
    attempts, groups = _attempts(fields, pools)
    status = _status(fields["status"])
    status_class = _class(fields["status"])
    failed = status_class == FAILED
    pool = attempts[-1].pool if attempts else NONE
    method = fields["request_method"]
    return Request(
        method=method if method in METHODS else OTHER,
        status=status,
        status_class=status_class,
        pool=pool,
        attempts=attempts,
        groups=groups,
        retried=("failed" if failed else "saved") if len(attempts) > 1 else None,
        release=_present(fields.get("upstream_http_x_release_id")),
        desired=_present(fields.get("desired")),
        timed=fields.get("streaming") != "1" and status != SWITCHING_PROTOCOLS,
        # A client that gave up (499) got no answer, so the pool has shown nothing.
        served=pool in pools.names
        and not failed
        and status_class != OTHER
        and status != CLIENT_CLOSED_REQUEST,
    )


def interpret_times(fields: Mapping[str, str]) -> Times:
    """Say how long a request with these time fields took."""
    return Times(
        request=_milliseconds(fields.get("request_time", "")),
        responses=tuple(map(_milliseconds, split_list(fields.get("upstream_response_time", "")))),
        connects=tuple(map(_milliseconds, split_list(fields.get("upstream_connect_time", "")))),
    )


def split_list(text: str) -> list[str]:
    """Split a list as nginx writes it: `a, b` for retries, `a : b` after an internal redirect."""
    return re.split(r", ?| : ", text) if _present(text) else []


# Private

_ABSENT = ("", "-")
_DURATION = re.compile(DECIMAL.decode(), re.ASCII)


def _present(text: str | None) -> str | None:
    return None if text in _ABSENT else text


def _milliseconds(text: str) -> int | None:
    return round(float(text) * 1000) if _DURATION.fullmatch(text) else None


@lru_cache(4096)
def _has_newline(texts: Texts) -> bool:
    return any(b"\n" in text for text in (texts if isinstance(texts, tuple) else (texts,)))


def _lines(block: bytes) -> int:
    """Return the number of lines; `count` takes several times as long (CPython 3.11 to 3.13)."""
    return len(block) - len(block.replace(b"\n", b""))


def _parse_exactly(block: bytes, line_format: LineFormat) -> Parsed:
    rows, bad = [], []
    for line in block.split(b"\n")[:-1]:
        match = line_format.exact.fullmatch(line)
        if match:
            rows.append(match.groups())
        else:
            bad.append(line)
    labels = list(map(line_format.labels.of, rows))
    unparsed = Counter(map(_reason, bad))
    return Parsed(rows, labels, Counter(labels), unparsed, bad[0] if bad else b"")


def _reason(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return ENCODING
    return ENCODING if "\0" in text else FORMAT


def _attempts(
    fields: Mapping[str, str], pools: PoolMap
) -> tuple[tuple[Attempt, ...], tuple[str, ...]]:
    upstreams = split_list(fields.get("upstream_addr", ""))
    statuses = split_list(fields.get("upstream_status", ""))
    statuses += ["-"] * (len(upstreams) - len(statuses))
    attempts = tuple(
        Attempt(
            place, pools.pool_of(upstream), upstream, _status(status) if _present(status) else NONE
        )
        for place, (upstream, status) in enumerate(zip(upstreams, statuses, strict=False))
        if is_address(upstream)
    )
    groups = tuple(u for u in upstreams if _present(u) and not is_address(u))
    return attempts, groups


def _status(text: str) -> str:
    return text if text in STATUSES else OTHER


def _class(text: str) -> str:
    """Return the class of a status; also of one that nobody has defined."""
    return f"{text[0]}xx" if re.fullmatch(r"[1-5][0-9]{2}", text, re.ASCII) else OTHER
