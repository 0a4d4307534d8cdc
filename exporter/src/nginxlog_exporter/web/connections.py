"""Limits how many clients are served at once, so that silent ones keep nobody out."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Connections:
    """At most `limit` open connections: one more ends the one that waits longest for its client.

    A client that is slow to send a request, or to take the response, makes room for the next one; a
    request that is being worked on never does.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        # Those that wait for their client; who waits longest stands first.
        self._waiting: dict[socket.socket, None] = {}

    def admit(self, connection: socket.socket) -> bool:
        """Take a new connection in, if there is room or room can be made."""
        with self._lock:
            if len(self._open) >= self._limit and not self._end_one():
                return False
            self._open.add(connection)
            self._waiting[connection] = None
            return True

    def leave(self, connection: socket.socket) -> None:
        """Forget a connection that is at its end."""
        with self._lock:
            self._open.discard(connection)
            self._waiting.pop(connection, None)

    @contextmanager
    def busy(self, connection: socket.socket) -> Iterator[None]:
        """Keep a connection while it is our work that its client waits for."""
        with self._lock:
            self._waiting.pop(connection, None)
        try:
            yield
        finally:
            with self._lock:
                if connection in self._open:
                    self._waiting[connection] = None

    # Private

    def _end_one(self) -> bool:
        if not self._waiting:
            return False
        one = next(iter(self._waiting))
        del self._waiting[one]
        self._open.discard(one)
        # Its own thread sees the end of the connection, and closes it. Not one.shutdown(), which
        # takes the encryption away from a thread that may be writing.
        with suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)
        return True
