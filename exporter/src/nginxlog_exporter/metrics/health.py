"""The families of the exporter itself: is the log read, to its end, and is nothing lost."""

from collections.abc import Callable, Mapping

from nginxlog_exporter import __version__
from nginxlog_exporter.metrics.family import COUNTER, GAUGE, Example, Family, Samples
from nginxlog_exporter.metrics.labels import FILE, KIND, LABEL, REASON, RESULT, VERSION
from nginxlog_exporter.metrics.source import Source
from nginxlog_exporter.tail.file_counters import Events, FileCounters
from nginxlog_exporter.tail.followed_file import FollowedFile


def _by_file(source: Source, number: Callable[[FollowedFile], float]) -> Samples:
    return (((file.name,), number(file)) for file in source.files.values())


def _by_event(source: Source, numbers: Callable[[Events], Mapping[str, int]]) -> Samples:
    for file in source.files.values():
        for kind, number in numbers(file.events(is_durable=source.is_durable)).items():
            yield (file.name, kind), number


def _by_kind(source: Source, numbers: Callable[[FileCounters], Mapping[str, int]]) -> Samples:
    for file in source.files.values():
        for kind, number in numbers(file.counters).items():
            yield (file.name, kind), number


HEALTH = (
    Family(
        "nginxlog_exporter_label_values_dropped_total",
        COUNTER,
        "Requests or attempts that are counted as `other` because a label is closed.",
        (LABEL,),
        lambda s: s.aggregate.folded.items(),
        Example(
            "Do clients invent methods, or are there more servers than series?",
            "sum by (label) (increase(nginxlog_exporter_label_values_dropped_total[1h])) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_counter_resets_total",
        COUNTER,
        "Times that all counters began anew, by reason.",
        (REASON,),
        lambda s: (((reason,), times) for reason, times in s.resets.items()),
        Example(
            "Did all counters begin anew, and why?",
            "increase(nginxlog_exporter_counter_resets_total[1h]) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_lines_total",
        COUNTER,
        "Lines read from the log.",
        (FILE, RESULT),
        lambda s: _by_kind(s, lambda c: c.lines),
        Example(
            "What share of the lines does not match the log_format?",
            'sum(rate(nginxlog_exporter_lines_total{result="unparsed"}[5m]))'
            "\n/ sum(rate(nginxlog_exporter_lines_total[5m]))",
        ),
    ),
    Family(
        "nginxlog_exporter_unparsed_lines_total",
        COUNTER,
        "Lines that were not counted as requests, by reason.",
        (FILE, REASON),
        lambda s: _by_kind(s, lambda c: c.unparsed),
        Example(
            "Why were lines not counted as requests?",
            "sum by (file, reason) (increase(nginxlog_exporter_unparsed_lines_total[15m])) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_read_bytes_total",
        COUNTER,
        "Bytes read from the log.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.counters.read_bytes),
        Example(
            "How many bytes per day does each log grow by?",
            "86400 * sum by (file) (rate(nginxlog_exporter_read_bytes_total[6h]))",
        ),
    ),
    Family(
        "nginxlog_exporter_rotations_total",
        COUNTER,
        "Rotations of the log that were followed.",
        (FILE, KIND),
        lambda s: _by_event(s, lambda e: e.rotations),
        Example(
            "How was each log rotated in the last day?",
            "sum by (file, kind) (increase(nginxlog_exporter_rotations_total[1d])) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_gaps_total",
        COUNTER,
        "Times that lines may have been lost, by reason.",
        (FILE, REASON),
        lambda s: _by_event(s, lambda e: e.gaps),
        Example(
            "Is something missing from the counters, and why?",
            "sum by (file, reason) (increase(nginxlog_exporter_gaps_total[1h])) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_lost_bytes_total",
        COUNTER,
        "Bytes in gaps, as far as their size is known; a gap may be larger.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.events(is_durable=s.is_durable).lost_bytes),
        Example(
            "How much of each log was lost at least?",
            "sum by (file) (increase(nginxlog_exporter_lost_bytes_total[1d])) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_state_saves_total",
        COUNTER,
        "Snapshots written.",
        (),
        lambda s: [((), s.saves)],
        Example(
            "How many snapshots per second are written?",
            "rate(nginxlog_exporter_state_saves_total[5m])",
        ),
        of_process=True,
    ),
    Family(
        "nginxlog_exporter_state_save_errors_total",
        COUNTER,
        "Snapshots that could not be written.",
        (),
        lambda s: [((), s.save_errors)],
        Example(
            "Is the disk of the snapshot full or read-only?",
            "increase(nginxlog_exporter_state_save_errors_total[5m]) > 0",
        ),
        of_process=True,
    ),
    Family(
        "nginxlog_exporter_backlog_bytes",
        GAUGE,
        "Bytes of the log that are not read yet.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.backlog),
        Example(
            "Does the exporter fall behind?",
            "deriv(nginxlog_exporter_backlog_bytes[5m]) > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_lag_seconds",
        GAUGE,
        "Age of the last line read while others wait, else 0.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.lag),
        Example(
            "How far behind was it at worst in the last hour?",
            "max_over_time(nginxlog_exporter_lag_seconds[1h])",
        ),
        needs=("msec",),
    ),
    Family(
        "nginxlog_exporter_last_line_timestamp_seconds",
        GAUGE,
        "Log time of the last line read, 0 if none.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.counters.last_line),
        Example(
            "Which logs have been silent for ten minutes: no traffic, or written elsewhere?",
            "time() - nginxlog_exporter_last_line_timestamp_seconds > 600",
        ),
        needs=("msec",),
    ),
    Family(
        "nginxlog_exporter_last_read_timestamp_seconds",
        GAUGE,
        "When the log was last looked at with success, 0 if never.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.last_read),
        Example(
            "Which logs could not be looked at for a minute?",
            "time() - nginxlog_exporter_last_read_timestamp_seconds > 60",
        ),
    ),
    Family(
        "nginxlog_exporter_file_readable",
        GAUGE,
        "1 if the log exists and may be read.",
        (FILE,),
        lambda s: _by_file(s, lambda file: int(file.readable)),
        Example(
            "Which logs are missing, or may not be read?",
            "nginxlog_exporter_file_readable == 0",
        ),
    ),
    Family(
        "nginxlog_exporter_filesystem_free_bytes",
        GAUGE,
        "Room left on the file system of the log, 0 if unknown.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.free_bytes),
        Example(
            "What share of the log's file system is free?",
            "nginxlog_exporter_filesystem_free_bytes / nginxlog_exporter_filesystem_size_bytes",
        ),
    ),
    Family(
        "nginxlog_exporter_filesystem_size_bytes",
        GAUGE,
        "Size of the file system of the log, without what is kept for root; 0 if unknown.",
        (FILE,),
        lambda s: _by_file(s, lambda file: file.size_bytes),
        Example(
            "How large is the log's file system, in GiB?",
            "nginxlog_exporter_filesystem_size_bytes / 2^30",
        ),
    ),
    Family(
        "nginxlog_exporter_ignored_logs",
        GAUGE,
        "Logs that fit a pattern but are not followed, because there are too many.",
        (),
        lambda s: [((), s.ignored_files)],
        Example(
            "Do more logs fit the pattern than are followed?",
            "nginxlog_exporter_ignored_logs > 0",
        ),
    ),
    Family(
        "nginxlog_exporter_state_last_save_timestamp_seconds",
        GAUGE,
        "When the snapshot was last written by this process, 0 if never.",
        (),
        lambda s: [((), s.last_save)],
        Example(
            "How old is the snapshot? (It is only written when something has changed.)",
            "time() - nginxlog_exporter_state_last_save_timestamp_seconds",
        ),
    ),
    Family(
        "nginxlog_exporter_build_info",
        GAUGE,
        "The version of the exporter.",
        (VERSION,),
        lambda _: [((__version__,), 1)],
        Example(
            "Which versions run, and how many of each?",
            "count by (version) (nginxlog_exporter_build_info)",
        ),
    ),
)
