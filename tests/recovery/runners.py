"""What runs the parts, from outside: Docker by its commands, supervisord by its own interface.

Nothing here uses the code that is measured, so that it works with any version of it.
"""

# ruff: noqa: D102 - said once, in the Protocol

import json
import os
import signal
import subprocess
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from engine import descendants
from supervisor.xmlrpc import SupervisorTransport

from teal.wait import wait_for

LIMIT_SECONDS = 120
POOL = "blue"


class Runner(Protocol):
    """The parts of one stack and what can be done to them behind the back of the commands."""

    def parts(self) -> list[str]:
        """Return the names of the parts that run."""

    def processes(self, part: str) -> list[int]:
        """Return all processes of a part; the first is the one that its runner knows."""

    def restart(self, part: str) -> None:
        """Have the runner stop and start a part."""

    def pause(self, part: str, *, on: bool) -> None:
        """Stop a part's processes where they are, or let them go on."""

    def identity(self, part: str) -> str:
        """Return what is another one after the part was started anew."""


class Containers:
    """The runner of a stack in Docker."""

    def __init__(self, project: str) -> None:
        self._project = project

    def parts(self) -> list[str]:
        found = self._list('{{.Label "com.docker.compose.service"}}')
        return sorted(found.split())

    def processes(self, part: str) -> list[int]:
        pid = int(self.inspect(part)["State"]["Pid"])
        return [pid, *descendants(pid)] if pid else []

    def restart(self, part: str) -> None:
        docker("restart", self.name(part))

    def pause(self, part: str, *, on: bool) -> None:
        docker("pause" if on else "unpause", self.name(part))

    def identity(self, part: str) -> str:
        found = self.inspect(part)
        return f"{found['Id']} {found['State']['StartedAt']}"

    def name(self, part: str) -> str:
        """Return a part's container."""
        label = f"label=com.docker.compose.service={part}"
        return self._list("{{.Names}}", "--filter", label).split()[0]

    def inspect(self, part: str) -> dict[str, Any]:
        """Return what the engine knows of a part."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", self.name(part)))
        return found[0]

    def readdress(self, part: str) -> str:
        """Take a part off its networks and put it back, as a person does; return its addresses."""
        networks = list(self.inspect(part)["NetworkSettings"]["Networks"])
        for network in networks:
            docker("network", "disconnect", network, self.name(part))
        for network in networks:
            docker("network", "connect", network, self.name(part))
        found = self.inspect(part)["NetworkSettings"]["Networks"]
        return " ".join(each["IPAddress"] for each in found.values())

    def _list(self, what: str, *more: str) -> str:
        project = f"label=com.docker.compose.project={self._project}"
        return docker("ps", "--all", "--filter", project, *more, "--format", what)


class Processes:
    """The runner of a stack of plain processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "supervisor.sock"
        self._pidfile = folder / "supervisord.pid"

    def parts(self) -> list[str]:
        return sorted(each["name"] for each in self._call("getAllProcessInfo"))

    def processes(self, part: str) -> list[int]:
        pid = int(self._call("getProcessInfo", part)["pid"])
        # nginx outlives who started it, and is then nobody's child; its folder is its own.
        apart = _working_in(self._folder / part) if part == "nginx" else []
        return list(dict.fromkeys([pid, *descendants(pid), *apart])) if pid else []

    def restart(self, part: str) -> None:
        self._call("stopProcess", part)
        self._call("startProcess", part)

    def pause(self, part: str, *, on: bool) -> None:
        for pid in self.processes(part):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)

    def identity(self, part: str) -> str:
        return str(self._call("getProcessInfo", part)["pid"])

    def kill_supervisor(self) -> None:
        """Kill what runs the parts, and leave them alone."""
        self._kill([self._supervisor()])

    def kill_everything(self) -> None:
        """Kill all at once, as a reboot does."""
        supervisor = self._supervisor()
        everything = [supervisor, *descendants(supervisor)]
        # First the one that would start the others again.
        self._kill(everything)

    def _supervisor(self) -> int:
        return int(self._pidfile.read_text())

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: all(map(is_gone, pids)), what="the killed to be gone", seconds=20)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        supervisor = xmlrpc.client.ServerProxy("http://supervisor", transport).supervisor
        return getattr(supervisor, method)(*arguments)


def docker(*arguments: str, limit: float = LIMIT_SECONDS) -> str:
    """Run a docker command and return what it printed. Raises RuntimeError with its words."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=limit
    )
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent has not looked yet has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def kill_all_with(word: str) -> None:
    """Kill every process that has a word in its command line or environment, but for our own."""
    ours = {os.getpid(), *descendants(os.getpid())}
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if word.encode() in said and int(folder.name) not in ours:
                found |= {int(folder.name), *descendants(int(folder.name))}
    for pid in found - ours:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def title(pid: int) -> str:
    """Return the command line of a process, by which nginx tells its master from its workers."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


# Private


def _working_in(folder: Path) -> list[int]:
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found
