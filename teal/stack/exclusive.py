"""One command at a time changes a stack: a lock that says who holds it.

It is the kernel's (`flock`), so it is free the moment its holder dies, however that was. What the
holder started holds it too: after a `kill -9` of the command alone, its Docker Compose goes on.
"""

import fcntl
import getpass
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings
from teal.wait import wait_for

NAME = "lock"
ORPHANS_LIMIT_SECONDS = 120
# The descriptor of the lock, to be handed to programs that change the stack.
_held: list[int] = []


@contextmanager
def exclusive(settings: Settings, command: str) -> Iterator[None]:
    """Hold the stack's lock for the `with` block.

    Raises RuntimeFailedError that names the command, the user and the process that hold it.
    """
    settings.directory.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(settings.directory / NAME)
    owner = f"`make {command}` by {_user()}, process {os.getpid()}, since {_now()}"
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, owner.encode(), 0)
    _held.append(descriptor)
    try:
        yield
    finally:
        _held.remove(descriptor)
        os.close(descriptor)


def held() -> tuple[int, ...]:
    """Return the descriptors that a program must inherit to hold the lock as well."""
    return tuple(_held)


def remove(settings: Settings) -> None:
    """Remove the lock's file, as the last thing of the stack, while it is held.

    Who opened it meanwhile notices that it is another one.
    """
    (settings.directory / NAME).unlink(missing_ok=True)


# Private


def _lock(path: Path) -> int:
    descriptor = _try(path)
    if isinstance(descriptor, int):
        return descriptor
    owner = descriptor
    process = re.search(r"process ([0-9]+)", owner)
    if process is None or Path(f"/proc/{process[1]}").exists():
        raise RuntimeFailedError(
            f"{owner} is changing this stack; wait until it is done, or end that process"
        )
    print(f"{owner} was killed; waiting for what it had started ...", flush=True)
    found: list[int] = []

    def is_free() -> bool:
        if isinstance(now := _try(path), int):
            found.append(now)
        return bool(found)

    try:
        wait_for(is_free, what="a killed command's own to end", seconds=ORPHANS_LIMIT_SECONDS)
    except WaitedTooLongError as error:
        raise RuntimeFailedError(f"{error}; see: fuser -v {path}") from error
    return found[0]


def _try(path: Path) -> int | str:
    """Return the descriptor of the lock, or the words about who holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 200, 0).decode(errors="replace")
            os.close(descriptor)
            return owner or "another command"
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
