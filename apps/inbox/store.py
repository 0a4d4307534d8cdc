"""The messages: the newest 500, kept in a file so that a restart forgets nothing.

Promises: a message is in the file before its sender hears `ok`, and no id is ever given twice. A
crash may cost the line that was being written, whose sender did not hear `ok`.
"""

import json
import os
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
    """Messages in the order of their arrival. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._messages, self._last_id = _read(path)
        self._write_all()

    def add(self, payload: slack.Payload) -> Message:
        """Keep a message. Raises OSError if it cannot be written."""
        with self._changed:
            message = Message(self._last_id + 1, time.time(), slack.state(payload), payload)
            with open(self._path, "a", opener=_private) as file:
                file.write(json.dumps(asdict(message)) + "\n")
            self._messages.append(message)
            self._last_id = message.id
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
            self._changed.wait_for(lambda: self._last_id > message_id, timeout=seconds)
            return self.after(message_id)

    def clear(self) -> None:
        """Forget all messages; ids go on."""
        with self._changed:
            self._messages = []
            self._write_all()

    # Private

    def _write_all(self) -> None:
        lines = [json.dumps(asdict(m)) for m in self._messages]
        # Ids go on from here also after everything was cleared.
        lines.insert(0, json.dumps({"last_id": self._last_id}))
        new = self._path.with_suffix(".new")
        with open(new, "w", opener=_private) as file:
            file.writelines(f"{line}\n" for line in lines)
        new.replace(self._path)


# Private


def _private(path: str, flags: int) -> int:
    """Open a file that not everybody on the machine may read: messages hold names."""
    return os.open(path, flags, 0o640)


def _read(path: Path) -> tuple[list[Message], int]:
    """Return the messages in the file and the last id that was given."""
    messages = []
    last_id = 0
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
            if "last_id" in entry:
                last_id = int(entry["last_id"])
            else:
                messages.append(Message(**entry))
        except (ValueError, TypeError):
            # A line that a crash cut off.
            continue
    return messages[-MOST_MESSAGES:], max([last_id, *(m.id for m in messages)])
