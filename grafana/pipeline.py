"""Pipeline health: can what the other dashboards and the messages say be trusted."""

from grafana.board import Cells, board, row
from grafana.panels import BAD, WARNING, WELL, Json, Query, number, timeseries, verdict, worst

UID = "teal-pipeline"


def dashboard() -> Json:
    """Return the dashboard."""
    return board(
        UID,
        "Teal / Pipeline health",
        "Whether the log is read, rules are evaluated and messages arrive.",
        [
            (4, _verdicts()),
            row("The log and the exporter"),
            (7, [(8, _lines()), (8, _lag()), (8, _unread())]),
            (7, [(8, _unparsed()), (8, _lost()), (8, _disk())]),
            row("Prometheus"),
            (7, [(8, _scrapes()), (8, _rules()), (8, _missed())]),
            row("Alertmanager and Slack"),
            (7, [(12, _deliveries()), (12, _handed_over())]),
        ],
        time_from="now-1h",
    )


# Private


def _verdicts() -> Cells:
    answers = {0: ("NO", BAD), 1: ("Yes", WELL)}
    return [
        (
            4,
            verdict(
                "Exporter answers",
                "Whether Prometheus reaches the exporter. If not, no error would be seen.",
                Query('min(up{job="exporter"})', "exporter"),
                states=answers,
                nothing="NOT KNOWN",
                nothing_color=BAD,
            ),
        ),
        (
            4,
            verdict(
                "Log is readable",
                "Whether the exporter can read every log that it follows.",
                Query("min(nginxlog_exporter_file_readable)", "log"),
                states=answers,
                nothing="NOT KNOWN",
                nothing_color=BAD,
            ),
        ),
        (
            4,
            number(
                "Lag of the log",
                "How old the last line was when it was read, while others waited. Normal: 0 s.",
                Query("max(nginxlog_exporter_lag_seconds)", "lag"),
                unit="s",
                nothing="the exporter is down",
            ),
        ),
        (
            4,
            verdict(
                "Slack takes messages",
                "No, while deliveries fail and none succeeds; see the alert NotificationsFailing.",
                Query(
                    'min(up{job="alertmanager"}) unless on () '
                    'ALERTS{alertname="NotificationsFailing", alertstate="firing"} or vector(0)',
                    "Slack",
                ),
                states=answers,
                nothing="NOT KNOWN",
                nothing_color=BAD,
            ),
        ),
        (
            4,
            number(
                "Age of the Watchdog",
                "How long ago Prometheus evaluated the alert that always fires. Its message "
                "goes to the dead man's switch (HEARTBEAT_URL). Normal: a few seconds.",
                Query(
                    'time() - max(timestamp(ALERTS{alertname="Watchdog", alertstate="firing"}))',
                    "age",
                ),
                unit="s",
                decimals=0,
                nothing="GONE",
                nothing_color=BAD,
                bad_from=60,
                bad_color=BAD,
            ),
        ),
        (
            4,
            number(
                "Alerts that fire",
                "Of all severities, but not the Watchdog.",
                Query(
                    'count(ALERTS{alertstate="firing", severity!="none"}) or vector(0)', "alerts"
                ),
                unit="none",
                decimals=0,
                nothing="not known",
                bad_from=1,
            ),
        ),
    ]


def _named(expression: str) -> str:
    """Add a label `log` for legends: the file without its folder."""
    return f'label_replace({expression}, "log", "$1", "file", ".*/(.+)")'


def _lines() -> Json:
    return timeseries(
        "Lines read per second",
        "By log file. It should look like the requests on the Overview.",
        [
            Query(
                _named("sum by (file) (rate(nginxlog_exporter_lines_total[$__rate_interval]))"),
                "{{log}}",
            )
        ],
        unit="cps",
        nothing="the exporter is down",
    )


def _lag() -> Json:
    return timeseries(
        "Lag",
        "How old a line was when it was read, while others waited. Above the dashed line "
        "ExporterLagging fires. Normal: 0 s.",
        [Query(_named(f"max by (file) ({worst('nginxlog_exporter_lag_seconds')})"), "{{log}}")],
        unit="s",
        limits=[Query("limit:log_lag_seconds", "limit")],
        nothing="the exporter is down",
    )


def _unread() -> Json:
    return timeseries(
        "Bytes not read yet",
        "What waits in the log. It rises while the exporter is stopped, and falls to 0 at once "
        "when it is back. Above the dashed line ExporterLagging fires.",
        [Query(_named(f"max by (file) ({worst('nginxlog_exporter_backlog_bytes')})"), "{{log}}")],
        unit="bytes",
        limits=[Query("limit:log_backlog_bytes", "limit")],
        nothing="the exporter is down",
    )


def _unparsed() -> Json:
    return timeseries(
        "Lines that were not understood",
        "Share of the lines of two minutes that do not fit the log format. Above the dashed line "
        "LogLinesUnparsed fires.",
        [Query(_named(worst("file:nginxlog_exporter_lines_unparsed:ratio_increase2m")), "{{log}}")],
        unit="percentunit",
        limits=[Query("limit:unparsed_ratio", "limit")],
        nothing="no lines",
    )


def _lost() -> Json:
    return timeseries(
        "Gaps, and counters that began anew",
        "Gaps: lines that were deleted before they were read. Both change what other graphs mean "
        "at that moment. Normal: none.",
        [
            Query("sum(increase(nginxlog_exporter_gaps_total[$__rate_interval]))", "gaps", BAD),
            Query(
                "sum(increase(nginxlog_exporter_counter_resets_total[$__rate_interval]))",
                "counters anew",
                WARNING,
            ),
            Query(
                "sum(increase(nginxlog_exporter_state_save_errors_total[$__rate_interval]))",
                "state not saved",
                "yellow",
            ),
        ],
        unit="short",
        nothing="the exporter is down",
    )


def _disk() -> Json:
    return timeseries(
        "Room left for the log",
        "Share of the file system that is free. Below the dashed line DiskFilling fires.",
        [Query(_named("file:nginxlog_exporter_filesystem_free:ratio"), "{{log}}")],
        unit="percentunit",
        highest=1,
        limits=[Query("limit:disk_free_ratio", "limit")],
        nothing="the exporter is down",
    )


def _scrapes() -> Json:
    return timeseries(
        "How long scrapes take",
        "The slowest of each job. The exporter is scraped every second: it has to stay well below.",
        [Query("max by (job) (scrape_duration_seconds)", "{{job}}")],
        unit="s",
        nothing="Prometheus has just started",
    )


def _rules() -> Json:
    return timeseries(
        "Share of its interval that rules take",
        "How long the evaluation of each group of rules took. At 100 % evaluations "
        "are missed, and alerts come late.",
        [
            Query(
                "max by (group) (label_replace("
                "prometheus_rule_group_last_duration_seconds"
                " / prometheus_rule_group_interval_seconds"
                ', "group", "$1", "rule_group", ".*;(.*)"))',
                "{{group}}",
            )
        ],
        unit="percentunit",
        nothing="Prometheus does not watch itself",
    )


def _missed() -> Json:
    return timeseries(
        "Evaluations that were missed, and that failed",
        "Share of the evaluations of two minutes, all groups together. Above the dashed line "
        "RuleEvaluationSlow fires.",
        [
            Query(
                "sum(increase(prometheus_rule_group_iterations_missed_total[2m]))"
                " / sum(increase(prometheus_rule_group_iterations_total[2m]))",
                "missed",
                WARNING,
            ),
            Query(
                "sum(increase(prometheus_rule_evaluation_failures_total[2m]))"
                " / sum(increase(prometheus_rule_evaluations_total[2m]))",
                "failed",
                BAD,
            ),
        ],
        unit="percentunit",
        limits=[Query("limit:missed_evaluations_ratio", "limit")],
        nothing="Prometheus does not watch itself",
    )


def _deliveries() -> Json:
    return timeseries(
        "Deliveries to Slack and elsewhere",
        "Attempts in five minutes, by way; Alertmanager tries again what failed. `webhook` is the "
        "dead man's switch: five are normal.",
        [
            Query(_attempts(""), "{{integration}}"),
            Query(_attempts("_failed"), "{{integration}} failed"),
        ],
        unit="short",
        nothing="Alertmanager does not answer",
    )


def _attempts(kind: str) -> str:
    return (
        "sum by (integration) (increase("
        f"alertmanager_notification_requests{kind}_total[5m]))"
        " > 0 or sum by (integration) (increase("
        f'alertmanager_notification_requests{kind}_total{{integration="slack"}}[5m]))'
    )


def _handed_over() -> Json:
    return timeseries(
        "Alerts handed to Alertmanager, per second",
        "Sent, and what was dropped or refused. Sent is never 0: the Watchdog always fires.",
        [
            Query("sum(rate(prometheus_notifications_sent_total[5m]))", "sent", "text"),
            Query("sum(rate(prometheus_notifications_dropped_total[5m]))", "dropped", BAD),
            Query("sum(rate(prometheus_notifications_errors_total[5m]))", "refused", WARNING),
        ],
        unit="cps",
        nothing="Prometheus does not watch itself",
    )
