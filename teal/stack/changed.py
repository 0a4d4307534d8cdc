"""Which parts have files that changed since they read them.

Nothing is remembered: a part says when it last read its files, at its start or since, and the
system says when they last changed. A signal that was lost, or a part that was restarted meanwhile,
cannot make the two disagree.
"""

from pathlib import Path

import requests

from teal.bootstrap import ROOT
from teal.clients.http import Client
from teal.settings import Settings
from teal.stack.layout import Layout

# A file that changes while it is read may have been read before.
READING_SECONDS = 1.0
PARTS = ("prometheus", "alertmanager", "blackbox")


def parts(settings: Settings, layout: Layout) -> list[str]:
    """Return the parts to signal: those that read older files, or do not say what they read."""
    return [
        part
        for part, sources in _sources(layout).items()
        if _changed_at(sources) > (loaded_at(settings, part) or 0.0) - READING_SECONDS
    ]


def loaded_at(settings: Settings, part: str) -> float | None:
    """Return when a part last read its files with success, in seconds since the epoch.

    None where it does not answer.
    """
    program = "blackbox_exporter" if part == "blackbox" else part
    name = f"{program}_config_last_reload_success_timestamp_seconds"
    try:
        return Client(settings.url(part)).metric(name)
    except requests.RequestException:
        return None


# Private


def _sources(layout: Layout) -> dict[str, list[Path]]:
    """Return the files and folders that each part reads. Targets are followed without a signal."""
    prometheus = ROOT / "prometheus"
    return {
        "prometheus": [prometheus / "prometheus.yml", prometheus / "rules"],
        "alertmanager": [layout.alertmanager, ROOT / "alertmanager" / "templates"],
        "blackbox": [prometheus / "blackbox.yml"],
    }


def _changed_at(sources: list[Path]) -> float:
    """Return the newest change. Of the inode: a file that was moved here keeps its own time."""
    paths = [path for source in sources for path in (source, *source.glob("*"))]
    return max((path.stat().st_ctime for path in paths if path.exists()), default=0.0)
