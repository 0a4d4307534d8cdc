"""What happens after a fault, seen at every station of the path, each event with its time."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Self

import requests

from teal.clients import Clients
from teal.clients.http import LIMIT_SECONDS
from teal.stack.access_log import read

ALERT = "PoolFailover"
POLL_SECONDS = 0.1


class Event(StrEnum):
    """What can happen, in the words in which it is shown."""

    FAULT = "fault"
    RETRIED = "first retried request"
    MOVED = "pool change seen by the exporter"
    PENDING = "alert pending"
    FIRING = "alert firing"
    MESSAGE = "message in Slack"
    ENDED = "fault taken back"
    BACK = "traffic is back"
    RESOLVED = "resolved message in Slack"


# Event -> seconds since the epoch, the first time it was seen.
Events = dict[Event, float]


class Timeline:
    """Watches log, exporter, Prometheus and inbox in a thread, inside its `with` block."""

    def __init__(self, clients: Clients, log: Path, *, desired: str, sees_messages: bool) -> None:
        self.events: Events = {}
        self._clients = clients
        self._desired = desired
        self._log = log
        self._sees_messages = sees_messages
        self._position = 0
        self._last_message = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)

    def __enter__(self) -> Self:
        self._position = self._log.stat().st_size if self._log.exists() else 0
        if self._sees_messages:
            self._last_message = self._clients.inbox.latest()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=LIMIT_SECONDS * 4)

    def note(self, event: Event, at: float | None = None) -> None:
        """Note an event, if it is the first of its kind."""
        self.events.setdefault(event, time.time() if at is None else at)

    # Private

    def _run(self) -> None:
        looks: list[Callable[[], None]] = [self._look_at_log, self._look_at_exporter]
        looks.append(self._look_at_prometheus)
        if self._sees_messages:
            looks.append(self._look_at_inbox)
        while not self._stop.wait(POLL_SECONDS):
            for look in looks:
                try:
                    look()
                except requests.RequestException:
                    # A part that is down for a moment is seen again at the next look.
                    continue

    def _look_at_log(self) -> None:
        if Event.RETRIED in self.events or not self._log.exists():
            return
        if self._log.stat().st_size < self._position:
            self._position = 0
        with self._log.open("rb") as log:
            log.seek(self._position)
            for line in log:
                request = read(line)
                if request and len(request.attempts) > 1:
                    self.note(Event.RETRIED, request.ended)
                    return
            self._position = log.tell()

    def _look_at_exporter(self) -> None:
        active = self._clients.exporter.pools().active
        if active and active != self._desired:
            self.note(Event.MOVED)
        elif active and Event.ENDED in self.events:
            self.note(Event.BACK)

    def _look_at_prometheus(self) -> None:
        states = {alert.name: alert.state for alert in self._clients.prometheus.alerts()}
        if states.get(ALERT) == "pending":
            self.note(Event.PENDING)
        if states.get(ALERT) == "firing":
            self.note(Event.FIRING)

    def _look_at_inbox(self) -> None:
        for message in self._clients.inbox.messages(since=self._last_message):
            self._last_message = message.id
            # A resolved message before the fault belongs to what was before.
            if message.alert == ALERT and Event.FAULT in self.events:
                is_over = message.state == "resolved"
                self.note(Event.RESOLVED if is_over else Event.MESSAGE, message.received)
