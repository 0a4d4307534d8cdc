"""An example query for each metric: what it answers, and the PromQL. Read by document.py only."""

from typing import NamedTuple


class Example(NamedTuple):
    """A question and the query that answers it."""

    question: str
    query: str


EXAMPLES = {
    "nginxlog_http_responses_total": Example(
        "What share of each pool's answers are server errors?",
        'sum by (pool) (rate(nginxlog_http_responses_total{class="5xx"}[5m]))'
        "\n/ sum by (pool) (rate(nginxlog_http_responses_total[5m]))",
    ),
    "nginxlog_http_requests_total": Example(
        "Which five failures are the most frequent?",
        "topk(5, sum by (method, status)"
        ' (rate(nginxlog_http_requests_total{status=~"[45].."}[5m])))',
    ),
    "nginxlog_http_response_bytes_total": Example(
        "How many bits per second go to clients?",
        "8 * sum(rate(nginxlog_http_response_bytes_total[5m]))",
    ),
    "nginxlog_http_request_bytes_total": Example(
        "How large is a request to each pool on average?",
        "sum by (pool) (rate(nginxlog_http_request_bytes_total[5m]))"
        "\n/ sum by (pool) (rate(nginxlog_http_responses_total[5m]))",
    ),
    "nginxlog_upstream_attempts_total": Example(
        "Which servers fail, also where a retry hid it from the client?",
        'sum by (upstream) (rate(nginxlog_upstream_attempts_total{status=~"5..|none"}[5m])) > 0',
    ),
    "nginxlog_http_retried_requests_total": Example(
        "How many requests of the last hour were saved by a retry?",
        'sum(increase(nginxlog_http_retried_requests_total{outcome="saved"}[1h]))',
    ),
    "nginxlog_upstream_unavailable_total": Example(
        "Which groups had no live server?",
        "sum by (group) (increase(nginxlog_upstream_unavailable_total[5m])) > 0",
    ),
    "nginxlog_pool_changes_total": Example(
        "Was there a failover, from where to where? (The alert's expression.)",
        "sum by (from, to) (increase(nginxlog_pool_changes_total[5m])) > 0",
    ),
    "nginxlog_exporter_lines_total": Example(
        "What share of the lines does not match the log_format?",
        'sum(rate(nginxlog_exporter_lines_total{result="unparsed"}[5m]))'
        "\n/ sum(rate(nginxlog_exporter_lines_total[5m]))",
    ),
    "nginxlog_exporter_unparsed_lines_total": Example(
        "Why were lines not counted as requests?",
        "sum by (file, reason) (increase(nginxlog_exporter_unparsed_lines_total[15m])) > 0",
    ),
    "nginxlog_exporter_read_bytes_total": Example(
        "How many bytes per day does each log grow by?",
        "86400 * sum by (file) (rate(nginxlog_exporter_read_bytes_total[6h]))",
    ),
    "nginxlog_exporter_rotations_total": Example(
        "How was each log rotated in the last day?",
        "sum by (file, kind) (increase(nginxlog_exporter_rotations_total[1d])) > 0",
    ),
    "nginxlog_exporter_gaps_total": Example(
        "Is something missing from the counters, and why?",
        "sum by (file, reason) (increase(nginxlog_exporter_gaps_total[1h])) > 0",
    ),
    "nginxlog_http_route_responses_total": Example(
        "Which routes fail most often?",
        'topk(5, sum by (route) (rate(nginxlog_http_route_responses_total{class="5xx"}[5m])))',
    ),
    "nginxlog_http_route_duration_seconds": Example(
        "How long do the slowest 1 % of each route take?",
        "histogram_quantile(0.99,"
        " sum by (route, le) (rate(nginxlog_http_route_duration_seconds_bucket[5m])))",
    ),
    "nginxlog_exporter_label_values_dropped_total": Example(
        "Do clients invent methods, or are there more servers than series?",
        "sum by (label) (increase(nginxlog_exporter_label_values_dropped_total[1h])) > 0",
    ),
    "nginxlog_exporter_lost_bytes_total": Example(
        "How much of each log was lost at least?",
        "sum by (file) (increase(nginxlog_exporter_lost_bytes_total[1d])) > 0",
    ),
    "nginxlog_exporter_counter_resets_total": Example(
        "Did all counters begin anew, and why?",
        "increase(nginxlog_exporter_counter_resets_total[1h]) > 0",
    ),
    "nginxlog_exporter_filesystem_free_bytes": Example(
        "What share of the log's file system is free?",
        "nginxlog_exporter_filesystem_free_bytes / nginxlog_exporter_filesystem_size_bytes",
    ),
    "nginxlog_exporter_filesystem_size_bytes": Example(
        "How large is the log's file system, in GiB?",
        "nginxlog_exporter_filesystem_size_bytes / 2^30",
    ),
    "nginxlog_exporter_ignored_logs": Example(
        "Do more logs fit the pattern than are followed?",
        "nginxlog_exporter_ignored_logs > 0",
    ),
    "nginxlog_exporter_state_saves_total": Example(
        "How many snapshots per second are written?",
        "rate(nginxlog_exporter_state_saves_total[5m])",
    ),
    "nginxlog_exporter_state_save_errors_total": Example(
        "Is the disk of the snapshot full or read-only?",
        "increase(nginxlog_exporter_state_save_errors_total[5m]) > 0",
    ),
    "nginxlog_http_request_duration_seconds": Example(
        "How long do the slowest 1 % of requests take?",
        "histogram_quantile(0.99,"
        " sum by (le) (rate(nginxlog_http_request_duration_seconds_bucket[5m])))",
    ),
    "nginxlog_upstream_response_duration_seconds": Example(
        "How long does each pool need for 95 % of the attempts?",
        "histogram_quantile(0.95,"
        " sum by (pool, le) (rate(nginxlog_upstream_response_duration_seconds_bucket[5m])))",
    ),
    "nginxlog_upstream_connect_duration_seconds": Example(
        "What share of the attempts had a connection within 10 ms?",
        "sum by (pool)"
        ' (rate(nginxlog_upstream_connect_duration_seconds_bucket{le="0.01"}[5m]))'
        "\n/ sum by (pool) (rate(nginxlog_upstream_connect_duration_seconds_count[5m]))",
    ),
    "nginxlog_active_pool": Example(
        "Which pool serves?",
        "nginxlog_active_pool == 1",
    ),
    "nginxlog_pool_last_change_timestamp_seconds": Example(
        "Was there a failover in the last five minutes, whatever was missed by scrapes?",
        "time() - nginxlog_pool_last_change_timestamp_seconds < 300",
    ),
    "nginxlog_desired_pool": Example(
        "Which pool should serve and does not?",
        "nginxlog_desired_pool == 1 and nginxlog_active_pool == 0",
    ),
    "nginxlog_desired_pool_last_change_timestamp_seconds": Example(
        "For how long has the declared pool been the declared one?",
        "time() - nginxlog_desired_pool_last_change_timestamp_seconds",
    ),
    "nginxlog_drill_running": Example(
        "When was something broken on purpose?",
        "nginxlog_drill_running == 1",
    ),
    "nginxlog_pool_last_request_timestamp_seconds": Example(
        "Which pools have had no request for five minutes?",
        "time() - nginxlog_pool_last_request_timestamp_seconds > 300",
    ),
    "nginxlog_pool_release_info": Example(
        "How many requests per second does each release answer?",
        "sum by (release) (sum by (pool) (rate(nginxlog_http_responses_total[5m]))"
        "\n* on (pool) group_left (release) nginxlog_pool_release_info)",
    ),
    "nginxlog_window_responses": Example(
        "What share of the last requests (NGINXLOG_WINDOW of them) failed?",
        'sum(nginxlog_window_responses{class="5xx"}) / sum(nginxlog_window_responses)',
    ),
    "nginxlog_exporter_backlog_bytes": Example(
        "Does the exporter fall behind?",
        "deriv(nginxlog_exporter_backlog_bytes[5m]) > 0",
    ),
    "nginxlog_exporter_lag_seconds": Example(
        "How far behind was it at worst in the last hour?",
        "max_over_time(nginxlog_exporter_lag_seconds[1h])",
    ),
    "nginxlog_exporter_last_line_timestamp_seconds": Example(
        "Which logs have been silent for ten minutes: no traffic, or written elsewhere?",
        "time() - nginxlog_exporter_last_line_timestamp_seconds > 600",
    ),
    "nginxlog_exporter_last_read_timestamp_seconds": Example(
        "Which logs could not be looked at for a minute?",
        "time() - nginxlog_exporter_last_read_timestamp_seconds > 60",
    ),
    "nginxlog_exporter_file_readable": Example(
        "Which logs are missing, or may not be read?",
        "nginxlog_exporter_file_readable == 0",
    ),
    "nginxlog_exporter_state_last_save_timestamp_seconds": Example(
        "How old is the snapshot? (It is only written when something has changed.)",
        "time() - nginxlog_exporter_state_last_save_timestamp_seconds",
    ),
    "nginxlog_exporter_build_info": Example(
        "Which versions run, and how many of each?",
        "count by (version) (nginxlog_exporter_build_info)",
    ),
    "process_cpu_seconds_total": Example(
        "What share of one CPU does the exporter use?",
        "rate(process_cpu_seconds_total[5m])\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_resident_memory_bytes": Example(
        "How much memory does it use?",
        "process_resident_memory_bytes\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_virtual_memory_bytes": Example(
        "How much address space has it mapped? (Not memory; rarely of interest.)",
        "process_virtual_memory_bytes\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_start_time_seconds": Example(
        "Was it started anew in the last ten minutes?",
        "time() - process_start_time_seconds < 600\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_open_fds": Example(
        "What share of the files it may open is open?",
        "process_open_fds / process_max_fds\nand on (instance) nginxlog_exporter_build_info",
    ),
    "process_max_fds": Example(
        "How many files may it open?",
        "process_max_fds\nand on (instance) nginxlog_exporter_build_info",
    ),
}
