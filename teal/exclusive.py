"""One command at a time changes a stack: a lock that says who holds it.

It is the kernel's (`flock`), so it is free the moment its holder dies, however that was.
"""

import fcntl
import getpass
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teal.runtime import RuntimeFailedError
from teal.settings import Settings

NAME = "lock"


@contextmanager
def exclusive(settings: Settings, command: str) -> Iterator[None]:
    """Hold the stack's lock for the `with` block.

    Raises RuntimeFailedError that names the command, the user and the process that hold it.
    """
    settings.directory.mkdir(parents=True, exist_ok=True)
    path = settings.directory / NAME
    descriptor = _locked(path)
    try:
        os.truncate(descriptor, 0)
        owner = f"`make {command}` of {_user()}, process {os.getpid()}, since {_now()}"
        os.pwrite(descriptor, owner.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def remove(settings: Settings) -> None:
    """Remove the lock's file, as the last thing of the stack, while it is held.

    Who opened it meanwhile notices that it is another one.
    """
    (settings.directory / NAME).unlink(missing_ok=True)


# Private


def _locked(path: Path) -> int:
    while True:
        # Another user's file may be closed to us; then nobody but them can work here anyway.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 200, 0).decode(errors="replace") or "another command"
            os.close(descriptor)
            raise RuntimeFailedError(
                f"{owner} is changing this stack; wait until it is done, or end that process"
            ) from None
        if _is(path, descriptor):
            return descriptor
        # `make clean` removed the file between the two calls.
        os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _now() -> str:
    return time.strftime("%H:%M:%S")
