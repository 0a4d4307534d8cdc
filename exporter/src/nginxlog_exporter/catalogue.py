"""The exporter's metrics: name, type, labels, meaning and where the number is found. An API.

A family whose variables are not in the log format is not exposed.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nginxlog_exporter import __version__
from nginxlog_exporter.follow import Follower
from nginxlog_exporter.parse import CLASSES

Samples = Iterable[tuple[tuple[str, ...], Any]]


class Family(NamedTuple):
    """One metric family. `read` yields (label values, number or Histogram)."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[Follower], Samples]
    # Variables of the log format without which there is nothing to show.
    needs: tuple[str, ...] = ()


ADDRESSES = ("upstream_addr",)
_POOL = ("pool",)
_FILE = ("file",)


def _by_pool(numbers: Mapping[str, Any]) -> Samples:
    return (((pool,), number) for pool, number in numbers.items())


def _one_of(pools: Iterable[str], chosen: str | None) -> Samples:
    return (((pool,), int(pool == chosen)) for pool in pools)


def _of_file(follower: Follower, number: float) -> Samples:
    yield (str(follower.settings.file),), number


def _by_kind(follower: Follower, numbers: Mapping[str, int]) -> Samples:
    return (((str(follower.settings.file), kind), number) for kind, number in numbers.items())


def _desired(follower: Follower) -> Samples:
    return _one_of(follower.settings.pools.names, follower.desired()[0])


def _lag(follower: Follower) -> float:
    """Return how old the last counted line is while others wait, else 0 (seconds)."""
    behind = follower.backlog > 0 and follower.counters.last_line > 0
    return max(time.time() - follower.counters.last_line, 0.0) if behind else 0.0


COUNTERS = (
    Family(
        "nginxlog_http_responses_total",
        "Requests by the class of the status the client got.",
        ("pool", "class"),
        lambda f: f.aggregate.responses.items(),
    ),
    Family(
        "nginxlog_http_requests_total",
        "Requests by method and status.",
        ("pool", "method", "status"),
        lambda f: f.aggregate.requests.items(),
    ),
    Family(
        "nginxlog_http_response_bytes_total",
        "Bytes sent to clients.",
        _POOL,
        lambda f: f.aggregate.response_bytes.items(),
        ("bytes_sent",),
    ),
    Family(
        "nginxlog_http_request_bytes_total",
        "Bytes received from clients.",
        _POOL,
        lambda f: f.aggregate.request_bytes.items(),
        ("request_length",),
    ),
    Family(
        "nginxlog_upstream_attempts_total",
        "Tries of a server; a request that was retried has several.",
        ("pool", "upstream", "status"),
        lambda f: f.aggregate.attempts.items(),
        ADDRESSES,
    ),
    Family(
        "nginxlog_http_retried_requests_total",
        "Requests with more than one attempt: saved, or failed (5xx) all the same.",
        ("outcome",),
        lambda f: f.aggregate.retried.items(),
        ADDRESSES,
    ),
    Family(
        "nginxlog_upstream_unavailable_total",
        "Requests for which nginx found no live server in the group.",
        ("group",),
        lambda f: f.aggregate.unavailable.items(),
        ADDRESSES,
    ),
    Family(
        "nginxlog_pool_changes_total",
        "How often the active pool became another one.",
        ("from", "to"),
        lambda f: f.aggregate.active.changes.items(),
        ADDRESSES,
    ),
    Family(
        "nginxlog_exporter_lines_total",
        "Lines read from the log.",
        ("file", "result"),
        lambda f: _by_kind(f, f.counters.lines),
    ),
    Family(
        "nginxlog_exporter_unparsed_lines_total",
        "Lines that were not counted as requests, by reason.",
        ("file", "reason"),
        lambda f: _by_kind(f, f.counters.unparsed),
    ),
    Family(
        "nginxlog_exporter_read_bytes_total",
        "Bytes read from the log.",
        _FILE,
        lambda f: _of_file(f, f.counters.read_bytes),
    ),
    Family(
        "nginxlog_exporter_rotations_total",
        "Rotations of the log that were followed.",
        ("file", "kind"),
        lambda f: _by_kind(f, f.counters.rotations),
    ),
    Family(
        "nginxlog_exporter_gaps_total",
        "Times that lines may have been lost, or that counters began anew.",
        ("file", "reason"),
        lambda f: _by_kind(f, f.counters.gaps),
    ),
)

# Of the process, not of the log: they start at 0 with it.
PROCESS_COUNTERS = (
    Family(
        "nginxlog_exporter_state_saves_total",
        "Snapshots written.",
        (),
        lambda f: [((), f.saves)],
    ),
    Family(
        "nginxlog_exporter_state_save_errors_total",
        "Snapshots that could not be written.",
        (),
        lambda f: [((), f.save_errors)],
    ),
)

HISTOGRAMS = (
    Family(
        "nginxlog_http_request_duration_seconds",
        "Time from the first byte of a request to its log line; streaming left out.",
        _POOL,
        lambda f: _by_pool(f.aggregate.durations),
        ("request_time",),
    ),
    Family(
        "nginxlog_upstream_response_duration_seconds",
        "Time that an attempt took; streaming left out.",
        _POOL,
        lambda f: _by_pool(f.aggregate.upstream_durations),
        ("upstream_addr", "upstream_response_time"),
    ),
    Family(
        "nginxlog_upstream_connect_duration_seconds",
        "Time that an attempt took to connect; streaming left out.",
        _POOL,
        lambda f: _by_pool(f.aggregate.connect_durations),
        ("upstream_addr", "upstream_connect_time"),
    ),
)

GAUGES = (
    Family(
        "nginxlog_active_pool",
        "1 for the pool that really serves, as seen in the log.",
        _POOL,
        lambda f: _one_of(f.settings.pools.names, f.aggregate.active.active),
        ADDRESSES,
    ),
    Family(
        "nginxlog_pool_last_change_timestamp_seconds",
        "When the active pool changed last (log time), 0 if never.",
        (),
        lambda f: [((), f.aggregate.active.changed_at)],
        ADDRESSES,
    ),
    Family(
        "nginxlog_desired_pool",
        "1 for the pool that the operator declared.",
        _POOL,
        _desired,
        ("desired",),
    ),
    Family(
        "nginxlog_desired_pool_last_change_timestamp_seconds",
        "When the declared pool changed last, 0 if unknown.",
        (),
        lambda f: [((), f.desired()[1])],
        ("desired",),
    ),
    Family(
        "nginxlog_pool_last_request_timestamp_seconds",
        "When the request that started last and was answered by the pool started, 0 if none.",
        _POOL,
        lambda f: _by_pool(f.aggregate.last_started),
        ("upstream_addr", "msec"),
    ),
    Family(
        "nginxlog_pool_release_info",
        "The release that the pool runs now.",
        ("pool", "release"),
        lambda f: ((item, 1) for item in f.aggregate.releases.items()),
        ("upstream_addr", "upstream_http_x_release_id"),
    ),
    Family(
        "nginxlog_window_responses",
        "Responses by class among the last requests.",
        ("class",),
        lambda f: (((c,), f.aggregate.window.count(c)) for c in CLASSES),
    ),
    Family(
        "nginxlog_exporter_backlog_bytes",
        "Bytes of the log that are not read yet.",
        _FILE,
        lambda f: _of_file(f, f.backlog),
    ),
    Family(
        "nginxlog_exporter_lag_seconds",
        "Age of the last line read while others wait, else 0.",
        _FILE,
        lambda f: _of_file(f, _lag(f)),
        ("msec",),
    ),
    Family(
        "nginxlog_exporter_last_line_timestamp_seconds",
        "Log time of the last line read, 0 if none.",
        _FILE,
        lambda f: _of_file(f, f.counters.last_line),
        ("msec",),
    ),
    Family(
        "nginxlog_exporter_last_read_timestamp_seconds",
        "When the log was last looked at with success, 0 if never.",
        _FILE,
        lambda f: _of_file(f, f.last_read),
    ),
    Family(
        "nginxlog_exporter_file_readable",
        "1 if the log exists and may be read.",
        _FILE,
        lambda f: _of_file(f, int(f.readable)),
    ),
    Family(
        "nginxlog_exporter_state_last_save_timestamp_seconds",
        "When the snapshot was last written by this process, 0 if never.",
        (),
        lambda f: [((), f.last_save)],
    ),
    Family(
        "nginxlog_exporter_build_info",
        "The version of the exporter.",
        ("version",),
        lambda _: [((__version__,), 1)],
    ),
)
