"""HTTP clients of the programs of a stack, typed. They know an address, and nothing of a stack."""

from collections.abc import Callable

from teal.clients.alertmanager import Alertmanager
from teal.clients.exporter import Exporter
from teal.clients.inbox import Inbox
from teal.clients.prometheus import Prometheus


class Clients:
    """One client for each program that answers questions."""

    def __init__(self, url: Callable[[str], str]) -> None:
        """Make them. `url` gives the address of a program by its name, as `Settings.url` does."""
        self.exporter = Exporter(url("exporter"))
        self.prometheus = Prometheus(url("prometheus"))
        self.alertmanager = Alertmanager(url("alertmanager"))
        self.inbox = Inbox(url("inbox"))
