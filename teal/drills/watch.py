"""What happens after a fault, seen at every station of the path, each with its time."""

import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import requests

from teal import api
from teal.settings import Settings
from teal.stack.layout import Layout

ALERT = "PoolFailover"
POLL_SECONDS = 0.1
# A list of attempts: the first ended badly, the second is what the client got.
_RETRIED = re.compile(rb'upstream_status="[^"]*, [^"]*".* msec=([0-9.]+)')


class Watch:
    """Watches log, exporter, Prometheus and inbox in a thread; times are seconds since the epoch.

    Each event is noted once, when it is first seen inside the `with` block.
    """

    def __init__(self, settings: Settings, layout: Layout, *, desired: str) -> None:
        self.events: dict[str, float] = {}
        self.messages: list[api.Message] = []
        self._settings = settings
        self._desired = desired
        self._log = layout.access_log
        self._position = 0
        self._last_message = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._position = self._log.stat().st_size if self._log.exists() else 0
        if not self._settings.uses_real_slack:
            self._last_message = max((m.id for m in api.messages(self._settings)), default=0)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=api.LIMIT_SECONDS * 4)

    def note(self, event: str, at: float | None = None) -> None:
        """Note an event, if it is the first of its kind."""
        self.events.setdefault(event, time.time() if at is None else at)

    def saw(self, event: str) -> bool:
        """Whether an event has been noted."""
        return event in self.events

    # Private

    def _run(self) -> None:
        looks: list[Callable[[], None]] = [self._look_at_log, self._look_at_exporter]
        looks.append(self._look_at_prometheus)
        if not self._settings.uses_real_slack:
            looks.append(self._look_at_inbox)
        while not self._stop.wait(POLL_SECONDS):
            for look in looks:
                try:
                    look()
                except requests.RequestException:
                    # A part that is down for a moment is seen again at the next look.
                    continue

    def _look_at_log(self) -> None:
        if self.saw("first retried request") or not self._log.exists():
            return
        if self._log.stat().st_size < self._position:
            self._position = 0
        with self._log.open("rb") as log:
            log.seek(self._position)
            for line in log:
                if found := _RETRIED.search(line):
                    self.note("first retried request", float(found[1]))
                    return
            self._position = log.tell()

    def _look_at_exporter(self) -> None:
        active = api.pools(self._settings).active
        if active and active != self._desired:
            self.note("pool change seen by the exporter")
        elif active and self.saw("fault taken back"):
            self.note("traffic is back")

    def _look_at_prometheus(self) -> None:
        states = {a.name: a.state for a in api.alerts(self._settings)}
        if states.get(ALERT) == "pending":
            self.note("alert pending")
        if states.get(ALERT) == "firing":
            self.note("alert firing")

    def _look_at_inbox(self) -> None:
        for message in api.messages(self._settings, since=self._last_message):
            self._last_message = message.id
            self.messages.append(message)
            if message.footer.endswith(ALERT):
                word = "resolved message" if message.state == "resolved" else "message"
                self.note(f"{word} in Slack", message.received)
