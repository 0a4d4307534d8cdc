"""The values that travel from the parser on. Plain data; no function here reads a line."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# The captured texts of one line, in the order of the format: one for each run of label fields, one
# for each run of durations, one for each number. An example for `$request_method $status
# $request_time $msec`: (b"GET 200", b"0.012", b"1790000000.000").
Row = tuple[bytes, ...]
# The texts of a row that are counted together, all labels or all durations: bytes where the format
# has them in one run, else a tuple of the runs. Hashable, and equal for rows that are alike.
Texts = bytes | Row


class Parsed(NamedTuple):
    """The lines of a block. `labels[i]` are the label texts of `rows[i]`; `counts` adds them up.

    `unparsed` counts other lines by reason, FORMAT or ENCODING; `first_unparsed` is for a person.
    """

    rows: Sequence[Row]
    labels: Sequence[Texts]
    counts: Counter[Texts]
    unparsed: Counter[str]
    first_unparsed: bytes = b""

    @property
    def lines(self) -> int:
        """How many lines the block had."""
        return len(self.rows) + self.unparsed.total()


class Attempt(NamedTuple):
    """One try of one server; `position` is its index in nginx's lists, from 0."""

    position: int
    pool: str
    upstream: str
    status: str


class Request(NamedTuple):
    """What the label fields of a line say.

    Label values are from closed sets, but for upstream, group and release, and for the pool where
    none are configured.
    """

    method: str
    status: str
    status_class: str
    # The pool whose answer the client got.
    pool: str
    attempts: tuple[Attempt, ...]
    # Groups of which no server was live.
    groups: tuple[str, ...]
    # `saved` or `failed` after more than one attempt.
    retried: str | None
    release: str | None
    # The declared pool, if the log says it.
    desired: str | None
    # Whether its duration is that of an ordinary request.
    timed: bool
    # Whether it shows that the pool serves.
    served: bool


class Times(NamedTuple):
    """How long a request and each attempt took, in milliseconds; None where the log says nothing.

    `responses` and `connects` are in the order of the attempts, and may be shorter.
    """

    request: int | None
    responses: tuple[int | None, ...]
    connects: tuple[int | None, ...]
