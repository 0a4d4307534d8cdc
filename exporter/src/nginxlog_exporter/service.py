"""The running exporter: one thread reads the log, others answer HTTP. Stops within five seconds."""

import logging
import signal
from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import ALLOWUTF8

from nginxlog_exporter import __version__
from nginxlog_exporter.config import Settings
from nginxlog_exporter.metrics import collector
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.pipeline import Pipeline
from nginxlog_exporter.poll_loop import PollLoop
from nginxlog_exporter.web import landing_page
from nginxlog_exporter.web.server import HttpRequest, HttpResponse, Routes, serving

log = logging.getLogger(__name__)


def run(settings: Settings, line_format: LineFormat) -> None:
    """Serve until SIGTERM or SIGINT, then read to the end of the log and save.

    Raises OSError if the address cannot be listened at.
    """
    pipeline = Pipeline(settings, line_format)
    pipeline.restore()
    loop = PollLoop(pipeline)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: loop.stop())
    web = settings.web_config
    with serving(settings.listen, _routes(pipeline, loop), web) as address:
        files = ", ".join(settings.files)
        scheme = "https" if web and web.current().tls else "http"
        log.info("nginxlog-exporter %s: %s -> %s://%s/", __version__, files, scheme, address)
        loop.run()
        log.info("stopped")


class Families:
    """What the encoders of prometheus_client take for a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return the families."""
        return self._families


# Private


def _routes(pipeline: Pipeline, loop: PollLoop) -> Routes:
    process = ProcessCollector(registry=None)

    def metrics(request: HttpRequest) -> HttpResponse:
        loop.refresh()
        if pipeline.scraped_beyond:
            return HttpResponse(_BEHIND, status=HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            encode, content_type = choose_encoder(request.accept)
        except ValueError:  # a version that is no number
            encode, content_type = choose_encoder("")
        families = collector.metrics(
            pipeline,
            for_prometheus=request.by_prometheus,
            with_exemplars="openmetrics" in content_type,
            scraper=request.scraper,
        )
        # No name of ours needs escaping, and to look for those that do takes half of the time.
        text = encode(  # type: ignore[call-arg]  # every encoder of the library takes it
            Families([*families, *process.collect()]), escaping=ALLOWUTF8
        )
        return HttpResponse(text, content_type)

    def landing(_: HttpRequest) -> HttpResponse:
        return HttpResponse(
            landing_page.render(pipeline, is_ready=loop.is_ready()), "text/html; charset=utf-8"
        )

    return {
        "/": landing,
        "/metrics": metrics,
        "/-/healthy": _check(loop.is_healthy, "the reader of the log hangs"),
        "/-/ready": _check(loop.is_ready, "catching up after a start, or stopping"),
    }


def _check(is_fine: Callable[[], bool], otherwise: str) -> Callable[[HttpRequest], HttpResponse]:
    def respond(_: HttpRequest) -> HttpResponse:
        if is_fine():
            return HttpResponse(b"ok\n")
        return HttpResponse(f"{otherwise}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)

    return respond


_BEHIND = b"reading again what the snapshot could not hold; counters must not fall\n"
