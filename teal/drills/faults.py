"""Fault injection: what a drill may do to a running stack. Each fault is a context that ends it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from teal.clients import Clients
from teal.errors import RuntimeFailedError
from teal.settings import POOLS, Settings
from teal.stack import silences
from teal.stack.desired import declare, desired
from teal.stack.runtime import Runtime

# The application ends its fault by itself, should this program die before it can.
LONGEST_FAULT_SECONDS = 600
LIMIT_SECONDS = 10
# The reason of a drill's own silence, by which it is found again.
A_DRILL = "a drill"
# The pool is seen to be back before the maintenance is over.
MAINTENANCE_ENDS_SECONDS = 15


@dataclass(frozen=True)
class Faults:
    """The faults that can be injected into one running stack."""

    settings: Settings
    runtime: Runtime

    @property
    def clients(self) -> Clients:
        """What can be asked of the stack."""
        return Clients(self.settings.url)

    @property
    def desired(self) -> str:
        """The pool that is to serve."""
        return desired(self.runtime.layout)

    @property
    def standby(self) -> str:
        """The other pool."""
        return next(pool for pool in POOLS if pool != self.desired)

    @contextmanager
    def killed(self, *parts: str) -> Iterator[None]:
        """Kill parts as `kill -9` does and keep them down."""
        # A stack of promises: what cannot be revived keeps nobody else down.
        with ExitStack() as dead:
            for part in parts:
                dead.callback(self.runtime.revive, part)
                self.runtime.kill(part)
            yield

    @contextmanager
    def chaos(self, *pools: str, mode: str, **parameters: float | str) -> Iterator[None]:
        """Have the demo application misbehave; see the parameters of its `/chaos/start`."""
        asked = {"mode": mode, "seconds": LONGEST_FAULT_SECONDS, **parameters}
        with ExitStack() as undone:
            for pool in pools:
                undone.callback(self._stop_chaos, pool)
                self._ask(pool, "start", **asked)
            yield

    @contextmanager
    def switched(self) -> Iterator[None]:
        """Declare the other pool desired, without the proof that `make switch` waits for."""
        before, other = self.desired, self.standby
        try:
            declare(self.runtime.layout, other)
            yield
        finally:
            declare(self.runtime.layout, before)

    @contextmanager
    def unreadable_log(self) -> Iterator[None]:
        """Put a folder where the exporter looks for the log; nginx goes on writing to its file."""
        log = self.runtime.layout.access_log
        aside = log.with_name("hidden")
        try:
            log.rename(aside)
            log.mkdir()
            yield
        finally:
            if log.is_dir():
                log.rmdir()
            if aside.exists():
                aside.rename(log)

    @contextmanager
    def foreign_lines(self) -> Iterator[None]:
        """Have lines of another format in the log, as after a careless edit of nginx's."""
        done = threading.Event()

        def write() -> None:
            while not done.wait(0.05):
                with self.runtime.layout.access_log.open("ab") as log:
                    log.write(b'127.0.0.1 - - "GET / HTTP/1.1" 200 3\n')

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            yield
        finally:
            done.set()
            writer.join(LIMIT_SECONDS)

    @contextmanager
    def flapping(self, pool: str, *, every: float) -> Iterator[None]:
        """Have a pool fail and recover in turn, each for so many seconds."""
        done = threading.Event()

        def turn() -> None:
            while not done.is_set():
                with suppress(requests.RequestException), self.chaos(pool, mode="error"):
                    done.wait(every)
                done.wait(every)

        thread = threading.Thread(target=turn, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(LIMIT_SECONDS * 2)

    @contextmanager
    def slack(self, trouble: str) -> Iterator[None]:
        """Have the local inbox answer as Slack does in trouble: a status, or `slow`."""
        inbox = self.clients.inbox
        try:
            inbox.begin_trouble(trouble, seconds=LONGEST_FAULT_SECONDS)
            yield
        finally:
            inbox.end_trouble()

    @contextmanager
    def maintained(self, pool: str) -> Iterator[None]:
        """Kill a pool during a planned maintenance, and end it when the pool is back."""
        until = datetime.now(UTC) + timedelta(minutes=10)
        stack, alertmanager = self.settings.stack, self.clients.alertmanager
        try:
            alertmanager.silence(silences.maintenance(stack), until=until, why=A_DRILL)
            with self.killed(pool):
                yield
            self.pause(MAINTENANCE_ENDS_SECONDS)
        finally:
            # By its reason, not by an id: Ctrl-C may have come before Alertmanager's answer.
            for silence in alertmanager.silences():
                if silences.is_maintenance(silence, stack) and silence.why == A_DRILL:
                    alertmanager.end_silence(silence.id)

    def pause(self, seconds: float) -> None:
        """Let the stack go on as it is."""
        threading.Event().wait(seconds)

    # Private

    def _ask(self, pool: str, what: str, **parameters: object) -> None:
        url = f"http://127.0.0.1:{self.settings.port_of(pool)}/chaos/{what}"
        answer = requests.post(url, params=parameters, timeout=LIMIT_SECONDS)  # type: ignore[arg-type]
        if answer.status_code in _NO_SUCH_PATH:
            raise RuntimeFailedError(
                f"the application in {pool} has no /chaos endpoints; MODE=crash works with any"
            )
        answer.raise_for_status()

    def _stop_chaos(self, pool: str) -> None:
        # It may be dead by now; where a fault could not begin, there is none to end.
        with suppress(requests.RequestException, RuntimeFailedError):
            self._ask(pool, "stop")


# Private

# What servers say to a POST that they have no use for.
_NO_SUCH_PATH = (
    requests.codes.not_found,
    requests.codes.method_not_allowed,
    requests.codes.not_implemented,
)
