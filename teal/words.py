"""What a program's last words speak of: a file, a folder that should be writable, a variable."""

import re
from collections.abc import Sequence

# Folders below these are made for data; elsewhere an image may have its program.
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


def folder_to_write(line: str) -> str:
    """Return the folder that should be writable, from what a line says was refused.

    That is where the file should have been; but a folder that may hold the program stays as it is,
    because a writable one is empty: there it is only the folder that could not be made.
    """
    path = path_in(line)
    if path is None:
        return "/the/folder"
    parent = path.rpartition("/")[0]
    if parent and _DATA.match(parent):
        return parent
    return path if re.search(r"mkdir|makedirs|director", line, re.IGNORECASE) else parent or path


def variable_in(words: Sequence[str]) -> str | None:
    """Return the first thing that looks like a variable of an environment."""
    text = "\n".join(words)
    if key := re.search(r"KeyError: ['\"]([A-Z][A-Z0-9_]+)", text):
        return key[1]
    name = re.search(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", text)
    return name[0] if name else None
