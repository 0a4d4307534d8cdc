"""The nginx processes of one stack, found in /proc, and the sockets they listen at.

They are known by their working directory: each stack's nginx has one of its own, and workers, which
outlive a killed master, keep it. Linux only; standard library only.
"""

import ctypes
import os
import re
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PIDFD_OPEN = 434
_PIDFD_GETFD = 438
_LISTEN = "0A"


@dataclass(frozen=True)
class NginxProcess:
    """One process, as it was when it was looked at."""

    pid: int
    parent: int
    # As `ps` shows it: "nginx: master process /usr/sbin/nginx -e ...".
    title: str

    @property
    def is_master(self) -> bool:
        """Whether it reads the configuration and has workers."""
        return self.title.startswith("nginx: master process")

    @property
    def serves(self) -> bool:
        """Whether it is a worker that takes new connections."""
        return self.title == "nginx: worker process"


def find(folder: Path) -> list[NginxProcess]:
    """Return the nginx processes that run in a folder, masters first."""
    found = [process for entry in Path("/proc").iterdir()
             if entry.name.isdigit() and (process := _look(entry, str(folder)))]  # fmt: skip
    return sorted(found, key=lambda process: not process.is_master)


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone by now."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_all(folder: Path) -> None:
    """Kill every nginx process of a folder; masters first, so that no worker is replaced."""
    for process in find(folder):
        send(process.pid, signal.SIGKILL)


def listening(pid: int) -> dict[int, str]:
    """Return the descriptors of a process that are listening sockets, each with its inode link."""
    wanted = _listening_inodes()
    held = {}
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                link = str(entry.readlink())
                if link in wanted:
                    held[int(entry.name)] = link
    return held


def holds(pid: int, descriptor: int, link: str) -> bool:
    """Whether a descriptor of a process is still this socket."""
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}") == link  # noqa: PTH115 - five times a second
    except OSError:
        return False


def copy_socket(pid: int, descriptor: int) -> socket.socket | None:
    """Return a copy of another process' socket; None where the kernel does not give it.

    Linux 5.6 or newer, and the right to trace that process: not if nginx has file capabilities.
    """
    library = ctypes.CDLL(None, use_errno=True)
    handle = library.syscall(_PIDFD_OPEN, pid, 0)
    if handle < 0:
        return None
    try:
        copied = library.syscall(_PIDFD_GETFD, handle, descriptor, 0)
        return socket.socket(fileno=copied) if copied >= 0 else None
    finally:
        os.close(handle)


# Private


def _look(entry: Path, folder: str) -> NginxProcess | None:
    try:
        if str((entry / "cwd").readlink()) != folder:
            return None
        stat = (entry / "stat").read_text()
        title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    # pid (name) state parent ...; a zombie has no working directory, so none comes this far.
    match = re.fullmatch(r"\d+ \((.*)\) (\S) (\d+) .*", stat, re.DOTALL)
    if match is None or match[1] != "nginx":
        return None
    return NginxProcess(int(entry.name), int(match[3]), title.strip())


def _listening_inodes() -> set[str]:
    links = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), Path(table).open() as lines:
            for line in lines:
                fields = line.split()
                if len(fields) > 9 and fields[3] == _LISTEN:  # noqa: PLR2004 - the inode's column
                    links.add(f"socket:[{fields[9]}]")
    return links
