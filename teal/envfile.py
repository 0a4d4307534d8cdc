"""Reads `NAME=value` lines, such as those of `.env`; a line that is none is named by its number.

Nothing but the standard library: a wrong setting is said before anything is installed. Values mean
what they mean to python-dotenv and to Compose (a test compares), but they end with their line.
"""

import re
from pathlib import Path


class EnvFileError(Exception):
    """The file cannot be read; the text names file and line and says what would be right."""


def read(path: Path) -> dict[str, str]:
    """Return name -> value; a name that is said twice has its last value. A missing file is empty.

    Raises EnvFileError.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror}") from error
    values = {}
    for number, line in enumerate(re.split(r"\r\n|\n|\r", _decoded(path, text)), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        setting = _SETTING.fullmatch(line)
        if setting is None:
            raise EnvFileError(f"{path}, line {number}: {_fault(line)}")
        values[setting["name"]] = _value(setting)
    return values


# Private

_SETTING = re.compile(
    r"""\s* (?:export\s+)? (?P<name>[A-Za-z_][A-Za-z0-9_]*) \s* =
    (?:
        \s* ' (?P<single> (?:[^'\\]|\\.)* ) ' \s* (?:\#.*)?
      | \s* " (?P<double> (?:[^"\\]|\\.)* ) " \s* (?:\#.*)?
      | \s+ \#.*
      | \s* (?P<bare> (?: [^\s'"] .*? )? ) (?:\s+\#.*)? \s*
    )""",
    re.VERBOSE,
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _decoded(path: Path, text: bytes) -> str:
    # The marks that editors put at the start: UTF-8's is harmless, UTF-16's says what it is.
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text:
        raise EnvFileError(f"{path}, line 1: the file is UTF-16; save it as UTF-8")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = text.count(b"\n", 0, error.start) + 1
        raise EnvFileError(
            f"{path}, line {number}: a character that is not UTF-8; save the file as UTF-8"
        ) from error


def _fault(line: str) -> str:
    # The line itself is not repeated: it may hold a secret.
    name = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)", line)
    if name and re.match(r"\s*=\s*['\"]", line[name.end() :]):
        return f"the quotes around the value of {name[1]} are not closed, or something follows them"
    if name and re.match(r"\s*:", line[name.end() :]):
        return f"{name[1]} is set with a colon; it must be {name[1]}=value"
    return "this is no setting; it must be NAME=value, or begin with #"


def _value(setting: re.Match[str]) -> str:
    if setting["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", setting["single"])
    if setting["double"] is not None:
        return re.sub(
            r"\\([\\'\"abfnrtv])",
            lambda escape: _ESCAPES.get(escape[1], escape[1]),
            setting["double"],
        )
    return setting["bare"] or ""
