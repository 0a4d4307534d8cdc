"""Who may read what users sent: the log, what the parts print, messages, counters.

Their addresses hold tokens, their messages hold names. Files are 0640 and folders 0750, for the
user who runs Teal and one group: `adm` if root does, as with /var/log, else the user's own.
"""

import grp
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Programs that make such files are started with it.
UMASK = 0o027
_FOLDER = stat.S_ISGID | 0o750
_LOG_READERS = "adm"


def readers() -> int:
    """Return the number of the group that may read along."""
    if os.getuid() == 0:
        with suppress(KeyError):
            return grp.getgrnam(_LOG_READERS).gr_gid
    return os.getgid()


def protect(folders: Iterable[Path], *, owner: int = -1) -> None:
    """Close folders, and what an older version left open in them, to all but owner and readers.

    `owner`: whom to give them, when root runs Teal. Folders that are not there are passed over.
    """
    group = readers()
    for folder in folders:
        if not folder.is_dir():
            continue
        # Programs of less privilege write here. Nothing is done by a path that one of them could
        # turn into a link to a file of root's.
        for _, _, names, at in os.fwalk(folder):
            _close(at, owner, group)
            for name in names:
                with suppress(OSError):  # rotated away, or no file at all
                    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
                    try:
                        _close(file, owner, group)
                    finally:
                        os.close(file)


# Private


def _close(file: int, owner: int, group: int) -> None:
    found = os.fstat(file)
    mode = _FOLDER if stat.S_ISDIR(found.st_mode) else stat.S_IMODE(found.st_mode) & ~UMASK
    if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
        return
    if os.getuid() == 0 and (owner not in (-1, found.st_uid) or group != found.st_gid):
        os.fchown(file, owner, group)
    # After the owner: a change of the owner takes bits away.
    if stat.S_IMODE(os.fstat(file).st_mode) != mode:
        os.fchmod(file, mode)
