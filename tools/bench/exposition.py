"""Reads Prometheus' text format into plain numbers that can be compared."""

from prometheus_client.parser import text_string_to_metric_families

# (sample name, its labels in alphabetical order)
Series = tuple[str, tuple[tuple[str, str], ...]]
Samples = dict[Series, float]

# What all contenders count. The exporter counts more; that is left out.
COMPARED = (
    "nginxlog_http_responses",
    "nginxlog_http_requests",
    "nginxlog_upstream_attempts",
    "nginxlog_http_retried_requests",
    "nginxlog_http_response_bytes",
    "nginxlog_http_request_bytes",
    "nginxlog_http_request_duration_seconds",
    "nginxlog_upstream_response_duration_seconds",
    "nginxlog_upstream_connect_duration_seconds",
)


def samples(text: str) -> Samples:
    """Return the samples of the compared families. Raises ValueError."""
    return {
        (sample.name, _labels(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        if family.name in COMPARED
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    """Return the sum of the samples of this name that have these labels; 0 if there is none."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


# Private


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    if "le" in labels:  # 1 and 1.0 are the same limit
        labels = {**labels, "le": str(float(labels["le"]))}
    return tuple(sorted(labels.items()))
