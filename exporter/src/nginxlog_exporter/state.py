"""The snapshot: place in the log and all counters in one file, replaced as a whole.

Promise: after a kill at any moment the file holds one moment of the past, with the counters of
exactly the lines before the place. What came after it is read again, so nothing is lost and
nothing doubled. A file that cannot be used is put aside and never stops the exporter.
"""

import json
import os
from pathlib import Path
from typing import Any

VERSION = 1


class StateError(Exception):
    """The snapshot cannot be used; the text says why."""


def load(path: Path) -> dict[str, Any] | None:
    """Return the snapshot, None if there is none yet. Raises StateError."""
    try:
        state = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StateError(f"{path} cannot be read: {error}") from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise StateError(f"{path} is no snapshot of version {VERSION}")
    return state


def save(path: Path, state: dict[str, Any]) -> None:
    """Replace the snapshot; it is on the disk when this returns. Raises OSError."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="ascii") as file:
        json.dump({"version": VERSION, **state}, file, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)


def put_aside(path: Path) -> Path:
    """Rename a snapshot that cannot be used, for a person to look at. Raises OSError."""
    aside = path.with_name(path.name + ".unusable")
    path.replace(aside)
    return aside
