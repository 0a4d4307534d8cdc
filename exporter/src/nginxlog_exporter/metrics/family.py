"""What one metric family is: all that code, documentation and tests know of it, said once."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from nginxlog_exporter.metrics.source import Source

COUNTER, HISTOGRAM, GAUGE = "counter", "histogram", "gauge"
# Settings without which some families have nothing to show.
FEATURES = ("pools", "routes", "desired_dir")

# (label values, number), in a histogram's family (label values, Histogram).
Samples = Iterable[tuple[tuple[str, ...], Any]]


class Label(NamedTuple):
    """A label: what it says and which values it can have, as Markdown."""

    name: str
    meaning: str
    values: str


class Example(NamedTuple):
    """A question and the PromQL that answers it."""

    question: str
    query: str


class Family(NamedTuple):
    """One metric family. `read` yields its samples, in the order of `labels`."""

    name: str
    # COUNTER, HISTOGRAM or GAUGE.
    type: str
    # The HELP text.
    meaning: str
    labels: tuple[Label, ...]
    read: Callable[[Source], Samples]
    example: Example
    # Variables of the log format, and FEATURES of the settings, without which the family is not
    # exposed.
    needs: tuple[str, ...] = ()
    # A counter of the process, not of the log: it starts at 0 with it.
    of_process: bool = False

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels."""
        return tuple(label.name for label in self.labels)
