"""Zero initialisation: which series each scraper has seen as 0.

Prometheus does not count the first value of a series, so each is exposed as 0 once, to every
scraper that was there before it. A scraper is known by its address and, while it lasts, its
connection: of two servers behind one address each keeps one open. A scraper that nobody knows sees
the true numbers of all series that others have seen: a 0 after them would be a reset.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

# How many scrapers and connections are remembered; those that came last.
MAX_SCRAPERS = 32
MAX_CONNECTIONS = 128

# A family's name and the label values.
Series = tuple[str, tuple[str, ...]]


class Scraper(NamedTuple):
    """Who scrapes."""

    address: str = ""
    # A number that no other connection of this process has; None where a proxy stands between.
    connection: int | None = None


class ZeroInitialiser:
    """Numbers series in the order in which they appeared, and how far each scraper has come."""

    def __init__(self) -> None:
        # What is to be kept has changed; reset by whoever keeps it.
        self.is_changed = False
        self._numbers: dict[Series, int] = {}
        self._last = 0
        self._addresses: dict[str, int] = {}
        self._connections: dict[int, int] = {}

    def zero_initialise(self, series: Iterable[Series], scraper: Scraper) -> set[Series]:
        """Return which of these series this scraper has to see as 0, and remember that it has."""
        before = self._last
        numbers = self._numbers
        exposed = list(series)
        new = [one for one in exposed if one not in numbers]
        if new:
            self._last += 1
            numbers.update(dict.fromkeys(new, self._last))
        upto = self._addresses.get(scraper.address, before)
        if scraper.connection is not None:
            upto = self._connections.get(scraper.connection, upto)
            _remember(self._connections, scraper.connection, self._last, MAX_CONNECTIONS)
        self.is_changed |= self._addresses.get(scraper.address) != self._last
        _remember(self._addresses, scraper.address, self._last, MAX_SCRAPERS)
        if upto == self._last:
            return set()
        return {one for one in exposed if numbers[one] > upto}

    def reset(self) -> None:
        """Have all series be new to all scrapers."""
        self._numbers.clear()
        self._last = 0
        self._all_have(0)

    def all_seen(self) -> None:
        """Have no series be new to anybody any more."""
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
