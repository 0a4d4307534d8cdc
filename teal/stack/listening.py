"""Who listens at a port, read from /proc, and where one can listen at all."""

import socket
from collections.abc import Mapping
from pathlib import Path

_LISTEN = "0A"
# 127.0.0.2, as the kernel writes it. The same ports are the gateway's on 127.0.0.1.
_BEHIND_GATEWAY = "0200007F"
_PROC = Path("/proc")


def holder(port: int, leaders: Mapping[int, str], *, nginx: Path) -> str | None:
    """Return the name of the process group that listens at a port; None where none of these does.

    `leaders` names the leader of each group. What a killed nginx left behind, known by its working
    directory, is nginx as well: the next one sees to it.
    """
    sockets = _listening(port)
    for process in _PROC.iterdir() if sockets else ():
        if not process.name.isdigit() or not _holds(process, sockets):
            continue
        group = _group(process)
        if group in leaders:
            return leaders[group]
        if _works_in(process, nginx):
            return "nginx"
    return None


def has_ipv6() -> bool:
    """Whether a program can listen at IPv6 addresses of this machine."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


# Private


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            address, _, at = fields[1].rpartition(":")
            if fields[3] == _LISTEN and int(at, 16) == port and address != _BEHIND_GATEWAY:
                found.add(f"socket:[{fields[9]}]")
    return found


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(_target(each) in sockets for each in (process / "fd").iterdir())
    except OSError:
        # Another user's, or gone by now.
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _group(process: Path) -> int:
    try:
        # The name, in parentheses, may hold spaces.
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, ValueError, IndexError):
        return 0


def _works_in(process: Path, folder: Path) -> bool:
    return _target(process / "cwd") == str(folder)
