"""The messages: the newest ones, kept in a file so that a restart forgets nothing."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from inbox import slack

MOST_MESSAGES = 500


@dataclass(frozen=True)
class Message:
    """One message as it came in. `received` is in seconds since the epoch; ids only grow."""

    id: int
    received: float
    state: str
    payload: slack.Payload


class Store:
    """Messages in the order of their arrival, the newest 500. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._messages = _read(path)
        self._next_id = 1 + max((m.id for m in self._messages), default=0)

    def add(self, payload: slack.Payload) -> Message:
        """Keep a message."""
        with self._changed:
            message = Message(self._next_id, time.time(), slack.state(payload), payload)
            self._next_id += 1
            self._messages.append(message)
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(message)) + "\n")
            # Rewritten only once in a while, not at each message.
            if len(self._messages) >= 2 * MOST_MESSAGES:
                self._messages = self._messages[-MOST_MESSAGES:]
                self._write_all()
            self._changed.notify_all()
            return message

    def after(self, message_id: int) -> list[Message]:
        """Return the messages that came after the one with this id."""
        with self._changed:
            return [m for m in self._messages[-MOST_MESSAGES:] if m.id > message_id]

    def wait_after(self, message_id: int, *, seconds: float) -> list[Message]:
        """Return messages after this id, waiting for one if there is none; [] when none came."""
        with self._changed:
            self._changed.wait_for(lambda: self._next_id > message_id + 1, timeout=seconds)
        return self.after(message_id)

    def clear(self) -> None:
        """Forget all messages; ids go on."""
        with self._changed:
            self._messages = []
            self._write_all()

    # Private

    def _write_all(self) -> None:
        new = self._path.with_suffix(".new")
        new.write_text("".join(json.dumps(asdict(m)) + "\n" for m in self._messages))
        new.replace(self._path)


# Private


def _read(path: Path) -> list[Message]:
    messages = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            messages.append(Message(**json.loads(line)))
        except (ValueError, TypeError):
            # The end of a line that a crash cut off.
            continue
    return messages[-MOST_MESSAGES:]
