"""What all clients share: an address, a time limit, and a program's own metrics."""

from collections.abc import Iterator

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

LIMIT_SECONDS = 5


class Client:
    """A program that is asked over HTTP at `url`, such as `http://127.0.0.1:9090`.

    Every request has a time limit; what goes wrong is a requests.RequestException.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str | int) -> requests.Response:
        """Return the answer to a GET. Raises requests.HTTPError for 4xx and 5xx."""
        answer = requests.get(self.url + path, params=parameters, timeout=LIMIT_SECONDS)
        answer.raise_for_status()
        return answer

    def samples(self) -> Iterator[Sample]:
        """Yield every sample of the program's own /metrics."""
        for family in text_string_to_metric_families(self.get("/metrics").text):
            yield from family.samples

    def metric(self, name: str) -> float | None:
        """Return an unlabelled metric of the program's own; None where it has none."""
        return next((float(s.value) for s in self.samples() if s.name == name), None)


def is_healthy(url: str, *, seconds: float = 2) -> bool:
    """Whether a health check answers with 2xx."""
    try:
        return requests.get(url, timeout=seconds, allow_redirects=False).ok
    except requests.RequestException:
        return False
