"""The running exporter: one thread reads the log, others answer HTTP. Stops within five seconds."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from nginxlog_exporter import __version__, expose, page
from nginxlog_exporter.follow import Follower
from nginxlog_exporter.logformat import LineFormat
from nginxlog_exporter.serve import Answer, Asked, Routes, serving
from nginxlog_exporter.settings import Settings

log = logging.getLogger(__name__)

# The snapshot's age at most, if nobody scrapes.
SAVE_SECONDS = 5.0
# A reader that has not turned for this long hangs, for example on a dead network file system.
HANGS_SECONDS = 30.0
# For the lines that are left when the exporter is told to stop.
LAST_LINES_SECONDS = 3.0


def run(settings: Settings, line_format: LineFormat) -> None:
    """Serve until SIGTERM or SIGINT, then read to the end of the log and save.

    Raises OSError if the address cannot be listened at.
    """
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    follower = Follower(settings, line_format)
    follower.restore()
    loop = _Loop(follower, stop)
    web = settings.web_config
    with serving(settings.listen, _routes(follower, loop), web) as address:
        files = ", ".join(settings.files)
        scheme = "https" if web and web.current().tls else "http"
        log.info("nginxlog-exporter %s: %s -> %s://%s/", __version__, files, scheme, address)
        loop.run()
        log.info("stopping")
        deadline = time.monotonic() + LAST_LINES_SECONDS
        follower.catch_up(lambda: time.monotonic() < deadline)
        follower.save()


class Families:
    """What the encoders of prometheus_client take for a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return the families."""
        return self._families


# Private


class _Loop:
    """Reads until told to stop."""

    def __init__(self, follower: Follower, stop: threading.Event) -> None:
        self._follower = follower
        self._stop = stop
        self._turned = 0.0
        self._caught_up = False

    def run(self) -> None:
        saved = time.monotonic()
        while not self._stop.is_set():
            self._caught_up |= self._follower.catch_up(self._turn)
            self._turn()
            if time.monotonic() - saved >= SAVE_SECONDS:
                self._follower.save()
                saved = time.monotonic()
            self._stop.wait(self._follower.settings.poll_seconds)

    def is_ready(self) -> bool:
        """Tell whether the logs were read to their ends once, and the exporter is not stopping."""
        return self._caught_up and not self._stop.is_set()

    def is_healthy(self) -> bool:
        """Tell whether the reader turns."""
        return self._turned == 0 or time.monotonic() - self._turned < HANGS_SECONDS

    def _turn(self) -> bool:
        self._turned = time.monotonic()
        return not self._stop.is_set()


def _routes(follower: Follower, loop: _Loop) -> Routes:
    process = ProcessCollector(registry=None)

    def metrics(asked: Asked) -> Answer:
        if follower.is_behind:
            return Answer(_BEHIND, status=HTTPStatus.SERVICE_UNAVAILABLE)
        encode, content_type = choose_encoder(asked.accept)
        families = expose.metrics(
            follower,
            for_prometheus=asked.by_prometheus,
            with_exemplars="openmetrics" in content_type,
        )
        return Answer(encode(Families([*families, *process.collect()])), content_type)

    def landing(_: Asked) -> Answer:
        return Answer(page.render(follower, is_ready=loop.is_ready()), "text/html; charset=utf-8")

    return {
        "/": landing,
        "/metrics": metrics,
        "/-/healthy": _check(loop.is_healthy, "the reader of the log hangs"),
        "/-/ready": _check(loop.is_ready, "catching up after a start, or stopping"),
    }


def _check(is_fine: Callable[[], bool], otherwise: str) -> Callable[[Asked], Answer]:
    def answer(_: Asked) -> Answer:
        if is_fine():
            return Answer(b"ok\n")
        return Answer(f"{otherwise}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)

    return answer


_BEHIND = b"reading again what the snapshot could not hold; counters must not fall\n"
