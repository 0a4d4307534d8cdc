"""What goes on although supervisord is gone: killed, it leaves all that it had started.

Each process has the address of its supervisor and its own name in its environment, so that those of
one stack are told from all others. Linux only.
"""

import os
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from teal.errors import WaitedTooLongError
from teal.wait import wait_for

# What a pool is still answering may end; then there must be a pool again.
FINISH_SECONDS = 3
KILLED_SECONDS = 5


def find(server: Path) -> dict[int, str]:
    """Return the leaders of the process groups that a supervisor had started, with their names.

    `server` is the supervisor's socket. It must not run any more: its children would be found.
    """
    ours = f"SUPERVISOR_SERVER_URL=unix://{server}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, KeyError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if ours in variables and os.getpgid(int(folder.name)) == int(folder.name):
                named = dict(each.split(b"=", 1) for each in variables if b"=" in each)
                found[int(folder.name)] = named[b"SUPERVISOR_PROCESS_NAME"].decode()
    return found


def end(leaders: Mapping[int, str], *, outlived: Collection[str]) -> None:
    """End process groups, gracefully for some seconds.

    Of those that `outlived` names only the leader is killed: what it had started is taken over by
    the next one.
    """
    groups = [leader for leader, name in leaders.items() if name not in outlived]
    for leader in leaders.keys() - groups:
        _signal(leader, signal.SIGKILL)
    for number, seconds in ((signal.SIGTERM, FINISH_SECONDS), (signal.SIGKILL, KILLED_SECONDS)):
        for group in groups:
            _signal(-group, number)
        with suppress(WaitedTooLongError):
            wait_for(
                lambda: not any(map(_is_there, groups)),
                what="what its supervisor left behind to end",
                seconds=seconds,
            )
            return


# Private


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_there(group: int) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # pid (name) state parent group ...; what has only not been looked at is gone as well.
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                return True
    return False
