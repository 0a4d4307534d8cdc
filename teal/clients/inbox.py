"""The local inbox: the messages that it received, and the trouble that it plays."""

from dataclasses import dataclass
from typing import Any

import requests

from teal.clients.http import LIMIT_SECONDS, Client


@dataclass(frozen=True)
class Message:
    """A message as the inbox received it; `received` is in seconds since the epoch."""

    id: int
    received: float
    state: str
    title: str
    footer: str

    @property
    def alert(self) -> str:
        """The name of the alert, which is the last word of the footer."""
        return self.footer.rpartition(" · ")[2]


class Inbox(Client):
    """Asks the inbox."""

    def messages(self, *, since: int = 0) -> list[Message]:
        """Return the messages received after the one with id `since`."""
        found = self.get("/api/messages", since=since).json()["messages"]
        return [
            Message(
                id=message["id"],
                received=message["received"],
                state=message["state"],
                title=_attachment(message).get("title", ""),
                footer=_attachment(message).get("footer", ""),
            )
            for message in found
        ]

    def latest(self) -> int:
        """Return the id of the last message, 0 before the first."""
        return max((message.id for message in self.messages()), default=0)

    def begin_trouble(self, status: str, *, seconds: float) -> None:
        """Have it answer as Slack does in trouble, for a while: with a status, or `slow`."""
        requests.post(
            f"{self.url}/api/trouble",
            params={"status": status, "seconds": f"{seconds:g}"},
            timeout=LIMIT_SECONDS,
        ).raise_for_status()

    def end_trouble(self) -> None:
        """Have it take messages again."""
        requests.delete(f"{self.url}/api/trouble", timeout=LIMIT_SECONDS).raise_for_status()


# Private


def _attachment(message: dict[str, Any]) -> dict[str, Any]:
    return next(iter(message["payload"].get("attachments") or []), {})
