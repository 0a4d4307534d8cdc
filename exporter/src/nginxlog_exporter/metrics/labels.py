"""The labels of all families, each once. Closed sets of values come from where they are counted."""

from collections.abc import Iterable

from nginxlog_exporter.count.cardinality import MAX_ATTEMPTS, MAX_REQUESTS, OTHER
from nginxlog_exporter.count.classifier import (
    CLASSES,
    FOLDED,
    MAX_GROUPS,
    MAX_RELEASES,
    MAX_UPSTREAMS,
    METHODS,
)
from nginxlog_exporter.metrics.family import Label
from nginxlog_exporter.metrics.source import RESETS
from nginxlog_exporter.pools.pool_map import NONE, UNKNOWN
from nginxlog_exporter.tail.block import GAPS, ROTATIONS
from nginxlog_exporter.tail.file_counters import REASONS


def listed(values: Iterable[str]) -> str:
    """Return values as Markdown."""
    return ", ".join(f"`{value}`" for value in values)


POOL = Label(
    "pool",
    "the pool of the request's last attempt, whose answer the client got",
    (
        f"the configured names, `{NONE}` (nginx itself answered), `{UNKNOWN}` (no pattern fits);"
        " without `NGINXLOG_POOLS` the same as `upstream`"
    ),
)
CLASS = Label("class", "the first digit of the status", listed(CLASSES))
METHOD = Label(
    "method",
    "the request's method",
    (
        f"{listed(sorted(METHODS))}, `{OTHER}`; also where a pool has more than {MAX_REQUESTS}"
        " combinations of method and status"
    ),
)
STATUS = Label(
    "status",
    "the status the client got, or for an attempt the one the server gave",
    (
        f"those of HTTP and of nginx (`444`, `494` to `499`), `{OTHER}`; for attempts also `{NONE}`"
        " (the server gave none)"
    ),
)
UPSTREAM = Label(
    "upstream",
    "the address of a server as nginx writes it",
    (
        f"the first {MAX_UPSTREAMS} that appear, then `{OTHER}`; also where a pool has more than"
        f" {MAX_ATTEMPTS} combinations of server and status"
    ),
)
GROUP = Label(
    "group",
    "the name of an `upstream` block; of pools, what stands before the slash in their names",
    (
        f"the pools, and the first {MAX_GROUPS} names that appear, then `{OTHER}`; of pools without"
        " a slash none"
    ),
)
OUTCOME = Label(
    "outcome", "how a request with several attempts ended", "`saved`, `failed` (the client got 5xx)"
)
FROM = Label("from", "the pool that was active before", "the configured pools")
TO = Label("to", "the pool that became active", "the configured pools")
RELEASE = Label(
    "release",
    "what the pool last sent as `X-Release-Id`",
    (f"one per pool at a time; {MAX_RELEASES} since the start, then `{OTHER}`"),
)
FILE = Label("file", "the log's path", "as configured")
RESULT = Label("result", "what became of a line", "`parsed` (counted as a request), `unparsed`")
KIND = Label("kind", "how the log was rotated", listed(ROTATIONS))
REASON = Label(
    "reason",
    "why a line is unparsed, why lines may be missing, why counters were reset",
    (f"unparsed: {listed(REASONS)}; missing: {listed(GAPS)}; reset: {listed(RESETS)}"),
)
ROUTE = Label("route", "the template that the URI fits", (f"`NGINXLOG_ROUTES`, `{OTHER}`"))
LABEL = Label("label", "the label that says `other` instead of a name", listed(FOLDED))
VERSION = Label("version", "the exporter's version", "one")
