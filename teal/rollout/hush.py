"""A planned renewal calls nobody: a silence for what it sets off, which ends by itself.

A silence, not a mark of our own: should this program be killed, Alertmanager still ends it.
"""

from datetime import UTC, datetime, timedelta

import requests

from teal.clients import Clients
from teal.stack import silences

# A pool is stopped, started and waited for in less.
LONGEST = timedelta(minutes=4)
# Until Prometheus has seen the last of it: PoolSwitched looks back for 15 seconds.
AFTERWARDS = timedelta(seconds=30)
WHY = "`make up` renews the pools, one after the other"
SWITCHED = "PoolSwitched"
STANDBY = "StandbyPoolDown"


class Hush:
    """Quiet for as long as pools are renewed. Without Alertmanager there is nobody to be told."""

    def __init__(self, clients: Clients, stack: str) -> None:
        self._clients = clients
        self._stack = stack
        self._id = ""
        # An alert that was told must be able to end: Alertmanager drops the end of a silent one.
        self._alerts = [SWITCHED]

    def begin(self) -> None:
        """Be quiet from now on, or for longer."""
        try:
            if not self._id and not self._is_firing(STANDBY):
                self._alerts.append(STANDBY)
            self._until(LONGEST)
        except requests.RequestException:
            return

    def end(self) -> None:
        """Be quiet for a moment longer."""
        if self._id:
            try:
                self._until(AFTERWARDS)
            except requests.RequestException:
                return

    def break_off(self) -> None:
        """Let everything be told: what was planned did not go as planned."""
        if not self._id:
            return
        try:
            if any(each.id == self._id for each in self._clients.alertmanager.silences()):
                self._clients.alertmanager.end_silence(self._id)
        except requests.RequestException:
            return
        self._id = ""

    # Private

    def _until(self, length: timedelta) -> None:
        self._id = self._clients.alertmanager.silence(
            silences.alerts(self._stack, self._alerts),
            until=datetime.now(UTC) + length,
            why=WHY,
            replaces=self._id,
        )

    def _is_firing(self, name: str) -> bool:
        return any(alert.name == name for alert in self._clients.prometheus.alerts())
