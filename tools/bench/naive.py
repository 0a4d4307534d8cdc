"""The loop that one writes first: pygtail, json.loads or a regular expression, `labels().inc()`.

Orientation for the benchmark, run as a script: naive.py LOG (json | EXPRESSION). Counts what the
exporter counts and prints it.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from pygtail import Pygtail

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
POOLS = {"8081": "blue", "8082": "green"}

disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry()


def _counter(name: str, *labels: str) -> Counter:
    return Counter(f"nginxlog_{name}", name, labels, registry=registry)


def _histogram(name: str) -> Histogram:
    return Histogram(f"nginxlog_{name}_seconds", name, ["pool"], registry=registry, buckets=BUCKETS)


responses = _counter("http_responses_total", "pool", "class")
requests = _counter("http_requests_total", "pool", "method", "status")
attempts = _counter("upstream_attempts_total", "pool", "upstream", "status")
retried = _counter("http_retried_requests_total", "outcome")
sent = _counter("http_response_bytes_total", "pool")
received = _counter("http_request_bytes_total", "pool")
durations = _histogram("http_request_duration")
response_durations = _histogram("upstream_response_duration")
connect_durations = _histogram("upstream_connect_duration")


def main() -> None:
    """Count a whole log."""
    log, how = sys.argv[1:]
    read = json.loads if how == "json" else _matcher(how)
    with tempfile.TemporaryDirectory() as folder:
        for line in Pygtail(log, offset_file=str(Path(folder) / "offset"), full_lines=True):
            count(read(line))
    sys.stdout.buffer.write(generate_latest(registry))


def count(fields: dict[str, str]) -> None:
    """Count one request; the fields are called like nginx's variables."""
    addresses = [] if fields["upstream_addr"] in ("", "-") else _split(fields["upstream_addr"])
    pool = _pool(addresses[-1]) if addresses else "none"
    status = fields["status"]
    method = fields["request_method"]
    timed = fields["streaming"] != "1"
    responses.labels(pool, f"{status[0]}xx").inc()
    requests.labels(pool, method, status).inc()
    sent.labels(pool).inc(int(fields["bytes_sent"]))
    received.labels(pool).inc(int(fields["request_length"]))
    for address, outcome, response, connect in zip(
        addresses,
        _split(fields["upstream_status"]),
        _split(fields["upstream_response_time"]),
        _split(fields["upstream_connect_time"]),
        strict=False,
    ):
        tried = _pool(address)
        attempts.labels(tried, address, outcome.replace("-", "none")).inc()
        if timed and response != "-":
            response_durations.labels(tried).observe(float(response))
        if timed and connect != "-":
            connect_durations.labels(tried).observe(float(connect))
    if len(addresses) > 1:
        retried.labels("failed" if status >= "500" else "saved").inc()
    if timed:
        durations.labels(pool).observe(float(fields["request_time"]))


# Private


def _matcher(expression: str) -> Callable[[str], dict[str, str]]:
    pattern = re.compile(expression)

    def read(line: str) -> dict[str, str]:
        match = pattern.match(line)
        if match is None:
            raise ValueError(line)
        return match.groupdict()

    return read


def _split(text: str) -> list[str]:
    return text.split(", ")


def _pool(address: str) -> str:
    return POOLS.get(address.rpartition(":")[2], "unknown")


if __name__ == "__main__":
    main()
