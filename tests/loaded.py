"""A stack under load: as many GETs as POSTs, each failure counted."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from teal.drills.traffic import Traffic
from teal.wait import wait_for

# Of each kind, a second. A POST that was sent is never repeated: it shows what a GET hides.
RATE = 25
LONGEST_SECONDS = 400


class Load:
    """What the clients of both kinds saw."""

    def __init__(self, *kinds: Traffic):
        self._kinds = kinds

    def stop(self):
        """Stop sending and wait for the answers that are due."""
        for kind in self._kinds:
            kind.stop()

    @property
    def sent(self):
        """How many requests have ended."""
        return sum(kind.result.sent for kind in self._kinds)

    @property
    def failures(self):
        """The reasons of all failures, in words; empty without one."""
        return [
            f"{count} x {reason}"
            for kind in self._kinds
            for reason, count in kind.result.reasons.items()
        ]


@contextmanager
def loaded(stack, *, rate: float = RATE, path: str = "/echo") -> Iterator[Load]:
    """Send requests in the `with` block; afterwards all of them are answered."""
    front = stack.settings.front
    with ExitStack() as running:
        load = Load(
            *(
                running.enter_context(
                    Traffic(front + path, rate=rate, seconds=LONGEST_SECONDS, method=method)
                )
                for method in ("GET", "POST")
            )
        )
        wait_for(lambda: load.sent > rate, what="traffic to flow", seconds=60)
        yield load
        before = load.sent
        wait_for(lambda: load.sent > before + rate, what="traffic to go on", seconds=60)
        load.stop()
