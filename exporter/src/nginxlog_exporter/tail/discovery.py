"""Which files are logs to follow: paths, and patterns that new logs may come to fit.

In a pattern `*` and `?` are special, brackets are not: folders may be called like that.
"""

import glob
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from nginxlog_exporter.tail.rotation import base_name


def log_files(patterns: Sequence[str]) -> list[Path]:
    """Return the logs that there are, and those that are named and need not exist yet."""
    found = []
    for pattern in patterns:
        if is_pattern(pattern):
            found += sorted(Path(path) for path in glob.glob(_escaped(pattern)))  # noqa: PTH207 - an absolute pattern
        else:
            found.append(Path(pattern))
    return [path for path in dict.fromkeys(found) if is_followed(path, patterns)]


def is_followed(path: Path, patterns: Iterable[str]) -> bool:
    """Tell whether a path is named or fits a pattern, and is no rotated file of one that does."""
    return any(
        str(path) == pattern or (is_pattern(pattern) and _fits(path, pattern))
        for pattern in patterns
    )


def is_pattern(text: str) -> bool:
    """Tell a pattern from a path."""
    return re.search(r"[*?]", text) is not None


# Private


def _fits(path: Path, pattern: str) -> bool:
    if not fnmatchcase(str(path), _escaped(pattern)) or path.suffix == ".gz" or _is_folder(path):
        return False
    base = base_name(path.name)
    return base is None or not fnmatchcase(str(path.with_name(base)), _escaped(pattern))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what it is in may not be entered
        return False


def _escaped(pattern: str) -> str:
    return pattern.replace("[", "[[]")
