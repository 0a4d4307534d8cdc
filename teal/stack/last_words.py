"""What programs say when they cannot go on, and what it is about: a file, a folder, a variable."""

import re
from collections.abc import Sequence

SHM = r"/dev/shm|shm_open|shared memory"  # noqa: S108 - in the container
# Everybody may write to /tmp: what is denied there is to run something.
NO_EXEC = (
    r"failed to map segment from shared object|/tmp/\S+: permission denied"
    r"|permission denied:? ['\"]?/tmp/"
)
FULL = r"no space left on device|ENOSPC"
READ_ONLY = r"read-only file ?system|EROFS"
DENIED = r"permission denied|PermissionError|EACCES"
NO_HOME = r"no such file or directory.*/(home|root|nonexistent)/|HOME\b.*\bnot\b|home directory"
REFUSES_ROOT = (
    r"(not|never|don't|refus\w+)\b.*\b(run|running|start\w*|execut\w+)\b.*\bas root\b"
    r"|\"root\" execution"
)
CHANGES_USER = (
    r"set(res|re|fs|e)?[ug]id\b.*(not permitted|failed)"
    r"|(init|set)groups\b.*(not permitted|failed)|failed switching to|can't set (uid|gid|groups)"
    r"|(su-exec|gosu|setpriv|s6-\w+|runuser|start-stop-daemon|su)\b.*not permitted"
    r"|(chown|changing ownership)\b.*not permitted|must be (run|started) as root|uid is not 0"
    r"|exited with fatal code 2 and cannot be respawned"
    r"|^os\.(set\w*id|setgroups|initgroups|l?chown)\("
)
MISSES_VARIABLE = (
    r"KeyError: ['\"][A-Z]|environment variable|missing .*\b[A-Z][A-Z0-9]*_[A-Z]"
    r"|\b[A-Z][A-Z0-9_]{2,}\b (is|was|must be) (not |un)?(set|defined|required|missing|empty)"
    r"|parameter (null or )?not set|unbound variable"
)

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
