"""The snapshot: place in the log and all counters in one file, replaced as a whole.

Promise: after a kill at any moment, a power cut or a full disk the file holds one moment of the
past, with the counters of exactly the lines before the place. What came after it is read again, so
nothing is lost and nothing doubled. Should it be spoiled all the same (a disk error, an editor),
its checksum tells, and the snapshot before it takes its place: just as exact, with more to read
again. If that is spoiled too, the caller is told and both are left for a person to look at; no
snapshot ever stops the exporter.
"""

import json
import logging
import os
import shutil
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

VERSION = 1


class StateError(Exception):
    """The snapshot cannot be used; the text says why."""


def load(path: Path) -> dict[str, Any] | None:
    """Return the snapshot, else the one before it, None if there is none yet. Raises StateError."""
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except StateError as spoiled:
        try:
            before = _read(_before(path))
        except (FileNotFoundError, StateError):
            raise spoiled from None
        log.warning("%s; the snapshot before it is used", spoiled)
        _take_back(path)
        return before


def shown_more(path: Path) -> bool:
    """Tell whether there is a snapshot, but more may have been shown than what it holds.

    So it is after it could not be written, and when the snapshot before has taken its place.
    """
    return path.exists() and not _is_all(path).exists()


def save(path: Path, state: dict[str, Any], *, is_all: bool = True) -> None:
    """Replace the snapshot; it is on the disk when this returns. Raises OSError.

    `is_all`: nothing else was ever shown.
    """
    try:
        _replace(path, state)
        if is_all:
            _is_all(path).touch(mode=0o640)
    except OSError:
        # To delete works on a full disk, too.
        with suppress(OSError):
            _is_all(path).unlink(missing_ok=True)
        raise


def put_aside(path: Path) -> Path:
    """Rename a snapshot that cannot be used, for a person to look at. Raises OSError."""
    return path.replace(_aside(path))


# Private


def _replace(path: Path, state: dict[str, Any]) -> None:
    text = _to_text({"version": VERSION, **state})
    new = path.with_name(path.name + ".new")
    # A Path takes no opener.
    with open(new, "w", encoding="ascii", opener=_private) as file:
        file.write(f'{{"checksum":"{_checksum(text)}",{text[1:]}')
        file.flush()
        os.fsync(file.fileno())
    # Without hard links there is no snapshot before this one, which does no harm.
    with suppress(OSError):
        _before(path).unlink(missing_ok=True)
        _before(path).hardlink_to(path)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    """Open a file that not everybody on the machine may read: what is counted may hold names."""
    return os.open(path, flags, 0o640)


def _read(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise StateError(f"{path} cannot be read: {error}") from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise StateError(f"{path} is no snapshot of version {VERSION}")
    # Snapshots of the first releases have none.
    checksum = state.pop("checksum", None)
    if checksum is not None and checksum != _checksum(_to_text(state)):
        raise StateError(f"{path} was changed: its checksum is another")
    return state


def _before(path: Path) -> Path:
    return path.with_name(path.name + ".before")


def _is_all(path: Path) -> Path:
    """Return a file that is there while the snapshot holds all that was ever shown."""
    return path.with_name(path.name + ".is-all")


def _take_back(path: Path) -> None:
    """Put the snapshot before into the place of a spoiled one, which is kept aside."""
    with suppress(OSError):
        _is_all(path).unlink(missing_ok=True)
    with suppress(OSError):
        shutil.copyfile(path, _aside(path))
    with suppress(OSError):
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        new.hardlink_to(_before(path))
        new.replace(path)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".unusable")


def _to_text(state: dict[str, Any]) -> str:
    return json.dumps(state, separators=(",", ":"))


def _checksum(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
