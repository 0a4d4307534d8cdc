"""What ran well in each pool, so that it can be put back; written after it was seen to work."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from teal.settings import Settings
from teal.stack.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """One pool as it ran."""

    address: str
    # The settings it ran with, as they stand in `.env`; no secret is among them.
    settings: dict[str, str]
    # What its runner needs to start it again.
    recipe: dict[str, Any]
    # In Docker, the image itself: its tag may be another one by now.
    image: str = ""


def recall(layout: Layout, pool: str) -> Remembered | None:
    """Return what ran well in a pool; None where that is not known."""
    try:
        return Remembered(**json.loads(_file(layout, pool).read_text()))
    except (OSError, ValueError, TypeError):
        # Of another version, or cut off by a full disk: as good as none.
        return None


def remember(layout: Layout, pool: str, what: Remembered) -> None:
    """Write down what runs well in a pool. The environment in it may hold a user's secrets."""
    path = _file(layout, pool)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps(asdict(what), indent=1)
    if path.exists() and path.read_text() == text:
        return
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def differences(before: Remembered, settings: Settings, pool: str) -> list[str]:
    """Say how the settings of a pool differ from those it ran well with."""
    now = relevant(settings, pool)
    return [
        f"{name} {before.settings.get(name, '') or '(empty)'} -> {value or '(empty)'}"
        for name, value in now.items()
        if before.settings.get(name, value) != value
    ]


def relevant(settings: Settings, pool: str) -> dict[str, str]:
    """Return the settings that say what a pool runs, and how."""
    prefixes = ("POOL_", f"{pool.upper()}_", "HEALTH_PATH", "DOCKER_SUBNET")
    return {n: v for n, v in settings.variables().items() if n.startswith(prefixes)}


# Private


def _file(layout: Layout, pool: str) -> Path:
    return layout.directory / "ran" / f"{pool}.json"
