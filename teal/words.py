"""What a program's last words speak of: a file, a folder that should be writable, a variable."""

import re
from collections.abc import Sequence

# What an image has in one of these is data; elsewhere its program may be.
_DATA = re.compile(r"/(run|home|root|data|nonexistent|tmp|var/\w+)(/|$)")


def line_of(words: Sequence[str], pattern: str) -> str:
    """Return the last line that matches; "" if none does."""
    matching = (line for line in reversed(words) if re.search(pattern, line, re.IGNORECASE))
    return next(matching, "")


def path_in(line: str) -> str | None:
    """Return the file that a line is about: a quoted path, or the last one."""
    if quoted := re.findall(r"""['"`\u2018](/[^'"`\u2019]*)['"`\u2019]""", line):
        return str(quoted[-1])
    plain = re.findall(r"(?<![\w.:/])/[\w@%+./-]*[\w@%+-]", line)
    return str(plain[-1]) if plain else None


def data_folder_of(path: str | None) -> str | None:
    """Return the folder of a file if it is one for data; None where a program may be beside it."""
    parent = path.rpartition("/")[0] if path else ""
    return parent if _DATA.match(parent) else None


def variable_in(words: Sequence[str]) -> str | None:
    """Return the first thing that looks like a variable of an environment."""
    text = "\n".join(words)
    if key := re.search(r"KeyError: ['\"]([A-Z][A-Z0-9_]+)", text):
        return key[1]
    name = re.search(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", text)
    return name[0] if name else None
