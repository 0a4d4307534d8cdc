"""The snapshot: place in the log and all counters in one file, replaced as a whole.

Promise: after a kill at any moment, a power cut or a full disk the file holds one moment of the
past, with the counters of exactly the lines before the place. What came after it is read again, so
nothing is lost and nothing doubled. Should it be spoiled all the same (a disk error, an editor),
its checksum tells, and a copy of it takes its place. The copy is never older than what was shown:
reading lines again gives the same sums, but not the same rotations, gaps and changes of pools. If
it is spoiled too, the caller is told and both are left for a person to look at; no snapshot ever
stops the exporter.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

VERSION = 1


class StateError(Exception):
    """The snapshot cannot be used; the text says why."""


def load(path: Path) -> dict[str, Any] | None:
    """Return the snapshot, else its copy, None if there is none yet. Raises StateError."""
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except StateError as spoiled:
        for copy in (_copy(path), _before(path)):
            with suppress(FileNotFoundError, StateError):
                state = _read(copy)
                log.warning("%s; %s is used", spoiled, copy.name)
                _take_back(path, copy)
                return state
        raise


def scraped_beyond(path: Path) -> bool:
    """Tell whether there is a snapshot, but more may have been shown than what it holds.

    So it is after it could not be written, and when the older one that version 1.0.0 kept has taken
    its place. A copy holds the same as the snapshot.
    """
    return path.exists() and not _is_all(path).exists()


def lines_scraped(path: Path) -> int:
    """Return how many lines were counted when a snapshot was last due; 0 where it is not known.

    A scrape has one written before it shows anything: it has shown no more than these.
    """
    try:
        return int(_scraped(path).read_bytes())
    except (OSError, ValueError):
        return 0


def save(path: Path, state: dict[str, Any], *, lines: int, is_all: bool = True) -> None:
    """Replace the snapshot; it is on the disk when this returns. Raises OSError.

    `lines` is how many were counted, `is_all`: nothing else was ever shown.
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
    finally:
        # So does writing over what is there. Whoever goes on from an older snapshot reads the lines
        # again, and notices by their number that some are gone.
        with suppress(OSError):
            _write_over(_scraped(path), b"%020d" % lines)


def salvage(path: Path, name: str, keys: Iterable[str]) -> dict[str, int]:
    """Return the whole numbers of an object in a spoiled snapshot or its copy, as far as found."""
    found: dict[str, int] = {}
    for spoiled in (path, _copy(path)):
        with suppress(OSError):
            text = spoiled.read_bytes().decode("ascii", "replace")
            inside = re.search(rf'"{name}":{{([^{{}}]*)}}', text)
            for key in keys:
                number = re.search(rf'"{key}":(\d{{1,15}})(?!\d)', inside[1]) if inside else None
                if number:
                    found[key] = max(found.get(key, 0), int(number[1]))
    return found


def put_aside(path: Path) -> Path:
    """Rename a snapshot that cannot be used, for a person to look at. Raises OSError."""
    return path.replace(_aside(path))


# Private


def _replace(path: Path, state: dict[str, Any]) -> None:
    text = _to_text({"version": VERSION, **state})
    text = f'{{"checksum":"{_checksum(text)}",{text[1:]}'
    places = path, _copy(path)
    for place in places:
        # A Path takes no opener.
        with open(_new(place), "w", encoding="ascii", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    # Killed in between, the copy is older, but nothing newer was shown.
    for place in places:
        _new(place).replace(place)
    _before(path).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)


def _write_over(path: Path, content: bytes) -> None:
    """Write content of always the same length into the blocks that a file has."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
    try:
        os.pwrite(file, content, 0)
    finally:
        os.close(file)


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


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _copy(path: Path) -> Path:
    return path.with_name(path.name + ".copy")


def _before(path: Path) -> Path:
    """Return the snapshot before the last one, which version 1.0.0 kept instead of a copy."""
    return path.with_name(path.name + ".before")


def _is_all(path: Path) -> Path:
    """Return a file that is there while the snapshot holds all that was ever shown."""
    return path.with_name(path.name + ".is-all")


def _scraped(path: Path) -> Path:
    """Return a file with the number of lines that were counted when a snapshot was last due."""
    return path.with_name(path.name + ".scraped")


def _take_back(path: Path, copy: Path) -> None:
    """Put a copy into the place of a spoiled snapshot, which is kept aside."""
    if copy == _before(path):
        with suppress(OSError):
            _is_all(path).unlink(missing_ok=True)
    with suppress(OSError):
        shutil.copy(path, _aside(path))
    with suppress(OSError):
        shutil.copy(copy, _new(path))
        _new(path).replace(path)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".unusable")


def _to_text(state: dict[str, Any]) -> str:
    return json.dumps(state, separators=(",", ":"))


def _checksum(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
