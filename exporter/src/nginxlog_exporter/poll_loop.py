"""The reader of the logs: one thread that reads what is new, saves now and then, and waits.

It waits long, because each waking costs, and is woken by whoever needs the newest lines.
"""

import time
from queue import Empty, SimpleQueue
from threading import Event

from nginxlog_exporter.pipeline import Pipeline

# The snapshot's age at most, if nobody scrapes. The first one is made soon, and each after twice
# that time: who is killed again and again still keeps half of what was done.
SAVE_SECONDS = 5.0
FIRST_SAVE_SECONDS = 0.1
# A reader that has not turned for this long hangs, for example on a dead network file system.
HANGS_SECONDS = 30.0
# For the lines that are left when the exporter is told to stop.
LAST_LINES_SECONDS = 3.0
# How long a scrape waits for the newest lines. While much is to be read it shows what there is.
REFRESH_SECONDS = 0.1


class PollLoop:
    """Reads until told to stop."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._follower = pipeline
        # Who wakes it, and wants to know when it has read. Also a signal handler may put into it.
        self._wakers: SimpleQueue[Event] = SimpleQueue()
        self._stopping = False
        self._turned = 0.0
        self._saved = time.monotonic()
        self._save_after = min(FIRST_SAVE_SECONDS, SAVE_SECONDS)
        self._caught_up = False

    def run(self) -> None:
        """Read until `stop` is called, then what is left, and save."""
        woken: list[Event] = []
        while not self._stopping:
            self._caught_up |= self._follower.catch_up(self._turn)
            self._turn()
            for waker in woken:
                waker.set()
            woken = self._wait()
        deadline = time.monotonic() + LAST_LINES_SECONDS
        self._follower.catch_up(lambda: time.monotonic() < deadline)
        self._follower.save()

    def stop(self) -> None:
        """Have `run` return; from any thread or a signal handler."""
        self._stopping = True
        self._wakers.put(Event())

    def refresh(self) -> None:
        """Have what is new read now; wait for that, but not long."""
        read = Event()
        self._wakers.put(read)
        read.wait(REFRESH_SECONDS)

    def is_ready(self) -> bool:
        """Tell whether the logs were read to their ends once, and it is not stopping."""
        return self._caught_up and not self._stopping

    def is_healthy(self) -> bool:
        """Tell whether it turns."""
        patience = HANGS_SECONDS + self._follower.settings.poll_seconds
        return self._turned == 0 or time.monotonic() - self._turned < patience

    # Private

    def _turn(self) -> bool:
        self._turned = time.monotonic()
        # Also while much is to be read: a kill must not cost all of it.
        if self._turned - self._saved >= self._save_after:
            self._follower.save()
            self._saved = self._turned
            self._save_after = min(self._save_after * 2, SAVE_SECONDS)
        return not self._stopping

    def _wait(self) -> list[Event]:
        """Wait for the next turn; return who has asked for it."""
        woken = []
        try:
            woken.append(self._wakers.get(timeout=self._follower.settings.poll_seconds))
            while True:
                woken.append(self._wakers.get_nowait())
        except Empty:
            return woken
