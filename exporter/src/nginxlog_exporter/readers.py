"""Which series each reader has seen as 0.

Prometheus does not count what a series starts with, so each is shown as 0 once, to every reader
that was there before it. A reader is known by its address and, while it lasts, its connection: of
two servers behind one address each keeps one open. A reader that nobody knows sees the true
numbers of all that others have seen before it: a 0 after them would be a reset.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

# As many readers and connections as are remembered; those that came last.
MOST_READERS = 32
MOST_CONNECTIONS = 128

Series = tuple[str, tuple[str, ...]]


class Reader(NamedTuple):
    """Who scrapes."""

    address: str = ""
    # A number that no other connection of this process has; None where a proxy stands between.
    connection: int | None = None


class Readers:
    """Numbers series in the order in which they appeared, and how far each reader has come."""

    def __init__(self) -> None:
        # What is to be kept is not what it was; for whoever keeps it to take back.
        self.is_changed = False
        self._numbers: dict[Series, int] = {}
        self._last = 0
        self._addresses: dict[str, int] = {}
        self._connections: dict[int, int] = {}

    def announce(self, series: Iterable[Series], reader: Reader) -> set[Series]:
        """Return which of these series this reader has to see as 0, and remember that it has."""
        before = self._last
        numbers = self._numbers
        shown = list(series)
        new = [one for one in shown if one not in numbers]
        if new:
            self._last += 1
            numbers.update(dict.fromkeys(new, self._last))
        upto = self._addresses.get(reader.address, before)
        if reader.connection is not None:
            upto = self._connections.get(reader.connection, upto)
            _remember(self._connections, reader.connection, self._last, MOST_CONNECTIONS)
        self.is_changed |= self._addresses.get(reader.address) != self._last
        _remember(self._addresses, reader.address, self._last, MOST_READERS)
        if upto == self._last:
            return set()
        return {one for one in shown if numbers[one] > upto}

    def begin_anew(self) -> None:
        """Have all series be new to all readers."""
        self._numbers.clear()
        self._last = 0
        self._all_have(0)

    def all_seen(self) -> None:
        """Have none of the series be new to anybody any more."""
        self._all_have(self._last)

    def to_state(self) -> dict[str, Any]:
        """Return everything but connections as JSON values."""
        all_have = min(self._addresses.values(), default=self._last)
        return {
            "announced": [
                [family, labels, number] if number > all_have else [family, labels]
                for (family, labels), number in self._numbers.items()
            ],
            "readers": self._addresses,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned. Raises TypeError or ValueError."""
        for family, labels, *number in state.get("announced", ()):
            self._numbers[family, tuple(labels)] = int(number[0]) if number else 0
        self._addresses = {str(a): int(upto) for a, upto in state.get("readers", {}).items()}
        self._last = max((*self._numbers.values(), *self._addresses.values()), default=0)

    # Private

    def _all_have(self, upto: int) -> None:
        self._addresses = dict.fromkeys(self._addresses, upto)
        self._connections = dict.fromkeys(self._connections, upto)


# Private


def _remember(known: dict[Any, int], key: object, upto: int, limit: int) -> None:
    known.pop(key, None)
    known[key] = upto
    if len(known) > limit:
        del known[next(iter(known))]
