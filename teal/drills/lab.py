"""What a drill may do to a running stack; every fault is a context that takes it back."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from teal import silences
from teal.settings import POOLS, Settings
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
class Lab:
    """A running stack to break."""

    settings: Settings
    runtime: Runtime

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
        with ExitStack() as mended:
            for pool in pools:
                mended.callback(self._stop_chaos, pool)
                self._ask(pool, "start", mode=mode, seconds=LONGEST_FAULT_SECONDS, **parameters)
            yield

    @contextmanager
    def switched(self) -> Iterator[None]:
        """Declare the other pool desired, without the proof that `make switch` waits for."""
        before = desired(self.runtime.layout)
        try:
            declare(self.runtime.layout, next(pool for pool in POOLS if pool != before))
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
        url = f"{self.settings.url('inbox')}/api/trouble"
        parameters = {"status": trouble, "seconds": str(LONGEST_FAULT_SECONDS)}
        try:
            requests.post(url, params=parameters, timeout=LIMIT_SECONDS).raise_for_status()
            yield
        finally:
            requests.delete(url, timeout=LIMIT_SECONDS).raise_for_status()

    @contextmanager
    def maintained(self, pool: str) -> Iterator[None]:
        """Kill a pool during a planned maintenance, and end it when the pool is back."""
        until = datetime.now(UTC) + timedelta(minutes=10)
        matchers = silences.maintenance(self.settings.stack)
        try:
            silences.create(self.settings, matchers=matchers, until=until, why=A_DRILL)
            with self.killed(pool):
                yield
            self.pause(MAINTENANCE_ENDS_SECONDS)
        finally:
            # By its reason, not by an id: Ctrl-C may have come before Alertmanager's answer.
            for silence in silences.in_force(self.settings):
                if silence.is_maintenance and silence.why == A_DRILL:
                    silences.end(self.settings, silence)

    def pause(self, seconds: float) -> None:
        """Let the stack go on as it is."""
        threading.Event().wait(seconds)

    # Private

    def _ask(self, pool: str, what: str, **parameters: object) -> None:
        url = f"http://127.0.0.1:{self.settings.port_of(pool)}/chaos/{what}"
        answer = requests.post(url, params=parameters, timeout=LIMIT_SECONDS)  # type: ignore[arg-type]
        answer.raise_for_status()

    def _stop_chaos(self, pool: str) -> None:
        with suppress(requests.RequestException):  # it may be dead by now
            self._ask(pool, "stop")
