"""The exporter's metrics: name, type, labels, meaning and where the number is found. An API.

A family whose variables are not in the log format is not exposed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nginxlog_exporter import __version__
from nginxlog_exporter.count.classifier import CLASSES
from nginxlog_exporter.count.durations import CONNECT, REQUEST, RESPONSE
from nginxlog_exporter.follow import Follower
from nginxlog_exporter.pools.active import ActivePool
from nginxlog_exporter.tail.file_counters import Events, FileCounters
from nginxlog_exporter.tail.followed_file import FollowedFile

Samples = Iterable[tuple[tuple[str, ...], Any]]


class Family(NamedTuple):
    """One metric family. `read` yields (label values, number or Histogram)."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[Follower], Samples]
    # Variables of the log format, and `pools` or `routes` of the settings, without which there is
    # nothing to show.
    needs: tuple[str, ...] = ()


_ADDRESSES = ("upstream_addr",)
_POOLS = ("upstream_addr", "pools")
_POOL = ("pool",)
_FILE = ("file",)
# Of pools that stand by for each other; empty (to Prometheus: absent) for names without one.
_GROUP = ("group",)


def _by_pool(numbers: Mapping[str, Any]) -> Samples:
    return (((pool,), number) for pool, number in numbers.items())


def _one_of(follower: Follower, chosen: Callable[[str], str | None]) -> Samples:
    for group, pools in follower.settings.pools.groups.items():
        one = chosen(group)
        for pool in pools:
            yield (pool,), int(pool == one)


def _by_group(follower: Follower, number: Callable[[str], float]) -> Samples:
    return (((group,), number(group)) for group in follower.settings.pools.groups)


def _active(follower: Follower) -> Mapping[str, ActivePool]:
    return follower.aggregate.tracker.active


def _by_file(follower: Follower, number: Callable[[FollowedFile], float]) -> Samples:
    return (((log.name,), number(log)) for log in follower.logs.values())


def _by_event(follower: Follower, numbers: Callable[[Events], Mapping[str, int]]) -> Samples:
    for log in follower.logs.values():
        for kind, number in numbers(log.events(is_durable=follower.is_durable)).items():
            yield (log.name, kind), number


def _by_kind(follower: Follower, numbers: Callable[[FileCounters], Mapping[str, int]]) -> Samples:
    for log in follower.logs.values():
        for kind, number in numbers(log.counters).items():
            yield (log.name, kind), number


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
        _ADDRESSES,
    ),
    Family(
        "nginxlog_http_retried_requests_total",
        "Requests with more than one attempt: saved, or failed (5xx) all the same.",
        ("outcome",),
        lambda f: f.aggregate.retried.items(),
        _ADDRESSES,
    ),
    Family(
        "nginxlog_upstream_unavailable_total",
        "Requests for which nginx found no live server in the group.",
        ("group",),
        lambda f: f.aggregate.unavailable.items(),
        _ADDRESSES,
    ),
    Family(
        "nginxlog_pool_changes_total",
        "How often the active pool became another one.",
        ("from", "to"),
        lambda f: (change for one in _active(f).values() for change in one.changes.items()),
        _POOLS,
    ),
    Family(
        "nginxlog_http_route_responses_total",
        "Requests by the route that their URI fits and the class of the status.",
        ("route", "class"),
        lambda f: f.aggregate.routes.responses.items(),
        ("routes",),
    ),
    Family(
        "nginxlog_exporter_label_values_dropped_total",
        "Requests or attempts that are counted as `other` because a label is closed.",
        ("label",),
        lambda f: f.aggregate.folded.items(),
    ),
    Family(
        "nginxlog_exporter_counter_resets_total",
        "Times that all counters began anew, by reason.",
        ("reason",),
        lambda f: (((reason,), times) for reason, times in f.resets.items()),
    ),
    Family(
        "nginxlog_exporter_lines_total",
        "Lines read from the log.",
        ("file", "result"),
        lambda f: _by_kind(f, lambda c: c.lines),
    ),
    Family(
        "nginxlog_exporter_unparsed_lines_total",
        "Lines that were not counted as requests, by reason.",
        ("file", "reason"),
        lambda f: _by_kind(f, lambda c: c.unparsed),
    ),
    Family(
        "nginxlog_exporter_read_bytes_total",
        "Bytes read from the log.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.counters.read_bytes),
    ),
    Family(
        "nginxlog_exporter_rotations_total",
        "Rotations of the log that were followed.",
        ("file", "kind"),
        lambda f: _by_event(f, lambda e: e.rotations),
    ),
    Family(
        "nginxlog_exporter_gaps_total",
        "Times that lines may have been lost, by reason.",
        ("file", "reason"),
        lambda f: _by_event(f, lambda e: e.gaps),
    ),
    Family(
        "nginxlog_exporter_lost_bytes_total",
        "Bytes in gaps, as far as their size is known; a gap may be larger.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.events(is_durable=f.is_durable).lost_bytes),
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
        lambda f: _by_pool(f.aggregate.durations.read(REQUEST)),
        ("request_time",),
    ),
    Family(
        "nginxlog_upstream_response_duration_seconds",
        "Time that an attempt took; streaming left out.",
        _POOL,
        lambda f: _by_pool(f.aggregate.durations.read(RESPONSE)),
        ("upstream_addr", "upstream_response_time"),
    ),
    Family(
        "nginxlog_upstream_connect_duration_seconds",
        "Time that an attempt took to connect; streaming left out.",
        _POOL,
        lambda f: _by_pool(f.aggregate.durations.read(CONNECT)),
        ("upstream_addr", "upstream_connect_time"),
    ),
    Family(
        "nginxlog_http_route_duration_seconds",
        "Like nginxlog_http_request_duration_seconds, by route.",
        ("route",),
        lambda f: (((route,), one) for route, one in f.aggregate.routes.durations.items()),
        ("routes", "request_time"),
    ),
)

GAUGES = (
    Family(
        "nginxlog_active_pool",
        "1 for the pool that really serves, as seen in the log.",
        _POOL,
        lambda f: _one_of(f, lambda group: _active(f)[group].active),
        _POOLS,
    ),
    Family(
        "nginxlog_pool_last_change_timestamp_seconds",
        "When the active pool changed last (log time), 0 if never.",
        _GROUP,
        lambda f: _by_group(f, lambda group: _active(f)[group].changed_at),
        _POOLS,
    ),
    Family(
        "nginxlog_desired_pool",
        "1 for the pool that the operator declared.",
        _POOL,
        lambda f: _one_of(f, lambda group: f.declared(group).pool),
        ("desired", "pools"),
    ),
    Family(
        "nginxlog_desired_pool_last_change_timestamp_seconds",
        "When the declared pool changed last, 0 if unknown.",
        _GROUP,
        lambda f: _by_group(f, lambda group: f.declared(group).changed_at),
        ("desired", "pools"),
    ),
    Family(
        "nginxlog_drill_running",
        "1 while an operator breaks something on purpose, as a file tells, else 0.",
        (),
        lambda f: [((), int(f.drill_runs()))],
        ("desired_dir",),
    ),
    Family(
        "nginxlog_pool_last_request_timestamp_seconds",
        "When the request that started last and was answered by the pool started, 0 if none.",
        _POOL,
        lambda f: _by_pool(f.aggregate.tracker.last_started),
        (*_POOLS, "msec"),
    ),
    Family(
        "nginxlog_pool_release_info",
        "The release that the pool runs now.",
        ("pool", "release"),
        lambda f: ((item, 1) for item in f.aggregate.tracker.releases.items()),
        (*_POOLS, "upstream_http_x_release_id"),
    ),
    Family(
        "nginxlog_window_responses",
        "Responses by class among the last requests.",
        ("class",),
        lambda f: (((c,), f.aggregate.tracker.window.count(c)) for c in CLASSES),
    ),
    Family(
        "nginxlog_exporter_backlog_bytes",
        "Bytes of the log that are not read yet.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.backlog),
    ),
    Family(
        "nginxlog_exporter_lag_seconds",
        "Age of the last line read while others wait, else 0.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.lag),
        ("msec",),
    ),
    Family(
        "nginxlog_exporter_last_line_timestamp_seconds",
        "Log time of the last line read, 0 if none.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.counters.last_line),
        ("msec",),
    ),
    Family(
        "nginxlog_exporter_last_read_timestamp_seconds",
        "When the log was last looked at with success, 0 if never.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.last_read),
    ),
    Family(
        "nginxlog_exporter_file_readable",
        "1 if the log exists and may be read.",
        _FILE,
        lambda f: _by_file(f, lambda log: int(log.readable)),
    ),
    Family(
        "nginxlog_exporter_filesystem_free_bytes",
        "Room left on the file system of the log, 0 if unknown.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.free_bytes),
    ),
    Family(
        "nginxlog_exporter_filesystem_size_bytes",
        "Size of the file system of the log, without what is kept for root; 0 if unknown.",
        _FILE,
        lambda f: _by_file(f, lambda log: log.size_bytes),
    ),
    Family(
        "nginxlog_exporter_ignored_logs",
        "Logs that fit a pattern but are not followed, because there are too many.",
        (),
        lambda f: [((), f.ignored_logs)],
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
