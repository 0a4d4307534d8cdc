"""Requests by route: templates such as `/api/users/:id`, so that URIs become a closed label.

Optional, because it needs the URI of each line and so costs more than everything else together.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from nginxlog_exporter.count.cardinality import OTHER
from nginxlog_exporter.count.classifier import CLASSES, Classified
from nginxlog_exporter.count.histogram import Histogram
from nginxlog_exporter.parse.log_format import URI, LineFormat
from nginxlog_exporter.parse.records import Row, Texts, Times

_MAX_URIS = 4096
# In bytes; nobody writes a template for what comes behind.
_MAX_URI_BYTES = 512


class Routes:
    """Templates, the first that fits counts. `:name` is one segment; a last `*` is any rest.

    Raises ValueError if a template does not begin with a slash, comes twice or has a `*` elsewhere.
    """

    def __init__(self, templates: Sequence[str] = ()) -> None:
        for template in templates:
            wrong = not template.startswith("/") or "*" in template[:-1] or template.count("?")
            if wrong or templates.count(template) > 1:
                raise ValueError(template)
        self.templates = tuple(templates)
        self._patterns = [(template, _pattern(template)) for template in templates]

    def of(self, uri: bytes) -> str:
        """Return the template that fits a URI; what follows `?` does not count."""
        # Where $request is the source, a space stands before the URI and a protocol behind it.
        path = uri.strip().partition(b" ")[0].partition(b"?")[0]
        return next((name for name, pattern in self._patterns if pattern.fullmatch(path)), OTHER)


class RouteCounters:
    """Responses by route and class, durations by route; nothing if there are no templates."""

    def __init__(
        self,
        routes: Routes,
        bounds: tuple[float, ...],
        line_format: LineFormat,
        times: Callable[[Texts], Times],
    ) -> None:
        names = (*routes.templates, OTHER) if routes.templates else ()
        self.responses = Counter({(name, one): 0 for name in names for one in CLASSES})
        self.durations = {name: Histogram(bounds) for name in names}
        self._route_of = lru_cache(_MAX_URIS)(routes.of)
        self._uri = line_format.columns.get(URI)
        self._time_texts = line_format.times.of
        self._times = times

    def add(
        self, rows: Sequence[Row], labels: Sequence[Texts], classified: Mapping[Texts, Classified]
    ) -> None:
        """Count rows; `labels[i]` are the label texts of `rows[i]`, each in `classified`."""
        if self._uri is None:
            return
        for row, text in zip(rows, labels, strict=True):
            route, request = (
                self._route_of(row[self._uri][:_MAX_URI_BYTES]),
                classified[text].request,
            )
            self.responses[route, request.status_class] += 1
            took = self._times(self._time_texts(row)).request if request.timed else None
            if took is not None:
                self.durations[route].observe(took)

    def to_state(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "responses": [[*labels, count] for labels, count in self.responses.items()],
            "durations": {name: one.to_state() for name, one in self.durations.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what there still is a template for; what is missing began later.

        Raises AttributeError, KeyError, TypeError or ValueError.
        """
        for route, status_class, count in state.get("responses", ()):
            if (route, status_class) in self.responses:
                self.responses[route, status_class] = int(count)
        for route, histogram in self.durations.items():
            if route in state.get("durations", {}):
                histogram.restore(state["durations"][route])


# Private


def _pattern(template: str) -> re.Pattern[bytes]:
    """Return an expression for a template. An example: `/a/:b/*` fits `/a/1/2/3`."""
    rest = b".*" if template.endswith("*") else b""
    segments = template.removesuffix("*").split("/")
    return re.compile(
        b"/".join(b"[^/]+" if s.startswith(":") else re.escape(s.encode()) for s in segments)
        + rest,
        re.DOTALL,
    )
