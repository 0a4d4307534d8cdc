"""The supervisor of the plain processes: its configuration, and talking to it."""

import http.client
import os
import re
import subprocess
import sys
import xmlrpc.client
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from teal.errors import RuntimeFailedError
from teal.processes.program import Program
from teal.stack import private
from teal.wait import wait_for

LIMIT_SECONDS = 20
STOP_LIMIT_SECONDS = 60
# The kernel's limit for the name of a unix socket is 108 bytes.
LONGEST_SOCKET_PATH = 100
# States that only a command of ours ends.
_IDLE = ("stopped", "exited", "fatal")


class Supervisor:
    """supervisord, with all its files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "supervisor.sock"
        self._configuration = folder / "supervisord.conf"
        self.output = folder / "output"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            raise RuntimeFailedError(
                f"the path {folder} is too long for a socket; move Teal up a few folders"
            )

    def configure(self, sections: Mapping[str, str]) -> None:
        """Write the configuration; it has no effect until it is applied."""
        new = self._configuration.with_suffix(".new")
        new.write_text("\n".join([self._head(), *sections.values()]))
        new.replace(self._configuration)

    def configured(self, name: str) -> str:
        """Return what the configuration says of one program; empty where it says nothing."""
        try:
            text = self._configuration.read_text()
        except FileNotFoundError:
            return ""
        found = re.search(rf"^\[program:{re.escape(name)}\]\n(.+\n)*", text, re.MULTILINE)
        return found[0] if found else ""

    def section(self, program: Program) -> str:
        """Return what the configuration says of one program."""
        environment = ",".join(f'{k}="{_ini(v)}"' for k, v in program.environment.items())
        command = " ".join(_quoted(_ini(word)) for word in program.command)
        return f"""\
[program:{program.name}]
command = {command}
directory = {_ini(program.directory)}
environment = {environment}
stopsignal = {program.stop_signal}
stopwaitsecs = {program.stop_seconds}
killasgroup = true
autorestart = true
startsecs = 1
startretries = 1000000
redirect_stderr = true
stdout_logfile = {_ini(_ini(self.output / program.name))}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 1
"""

    def start(self) -> None:
        """Start supervisord, and with it everything. Raises RuntimeFailedError."""
        # Nothing of the user's environment reaches the parts: it may hold the webhook.
        clean = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        result = subprocess.run(
            [
                sys.executable, "-m", "supervisor.supervisord",
                "--configuration", str(self._configuration),
            ],
            env={**clean, "PATH": os.environ.get("PATH", os.defpath)},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )  # fmt: skip
        if result.returncode:
            reason = (result.stderr or result.stdout).strip().splitlines()
            raise RuntimeFailedError(f"supervisord does not start: {reason[-1] if reason else '?'}")
        wait_for(self.is_up, what="supervisord to answer", seconds=LIMIT_SECONDS)

    def stop(self) -> None:
        """Stop everything, gracefully, and supervisord itself."""
        pid = self.call("getPID")
        self.call("shutdown")
        wait_for(
            lambda: not Path(f"/proc/{pid}").exists(),
            what="the supervisor and all it runs to stop",
            seconds=STOP_LIMIT_SECONDS,
        )

    def apply_changes(self, *, but: Collection[str], outliving: Collection[str]) -> None:
        """Bring running processes in line with the configuration, all but some.

        What `outliving` names goes on without the process that changed; the new one takes it over.
        """
        added, changed, removed = self.changes()
        for name in [*changed, *removed]:
            if name in but:
                continue
            if name in outliving:
                self.kill_leader(name)
                self.wait_until_stopped(name)
            else:
                self.call("stopProcessGroup", name, True)
            self.call("removeProcessGroup", name)
        for name in [*added, *changed]:
            if name not in but:
                self.call("addProcessGroup", name)
        for process in self.processes():
            name = process["name"]
            if name not in but and str(process["statename"]).lower() in _IDLE:
                self.call("startProcess", name, False)

    def changes(self) -> tuple[list[str], list[str], list[str]]:
        """Return the programs that the configuration adds, changes and removes."""
        ((added, changed, removed),) = self.call("reloadConfig")
        return added, changed, removed

    def renew(self, name: str) -> None:
        """Stop one program, gracefully, and start it as the configuration says now."""
        _, changed, _ = self.changes()
        known = {process["name"]: process for process in self.processes()}
        if name in known:
            self.call("stopProcessGroup", name, True)
        if name in changed:
            self.call("removeProcessGroup", name)
        if name in changed or name not in known:
            self.call("addProcessGroup", name)
        else:
            self.call("startProcess", name, False)

    def kill_leader(self, name: str) -> None:
        """Kill the process that the supervisor started, and keep it down."""
        # In one call, so that the supervisor has no chance to restart it in between.
        calls = [
            {"methodName": "supervisor.signalProcess", "params": [name, "KILL"]},
            {"methodName": "supervisor.stopProcess", "params": [name, False]},
        ]
        self.proxy().system.multicall(calls)

    def wait_until_stopped(self, name: str) -> None:
        """Wait until a program is down for good. Raises WaitedTooLongError."""
        wait_for(
            lambda: self.call("getProcessInfo", name)["statename"] == "STOPPED",
            what=f"{name} to be dead",
            seconds=LIMIT_SECONDS,
        )

    def processes(self) -> list[dict[str, Any]]:
        """Return what supervisord knows of each process."""
        found: list[dict[str, Any]] = self.call("getAllProcessInfo")
        return found

    def is_up(self) -> bool:
        """Whether supervisord answers."""
        if not self.socket.exists():
            return False
        try:
            self.call("getState")
        except RuntimeFailedError:
            return False
        return True

    def proxy(self) -> Any:  # noqa: ANN401 - xmlrpc has no types to give
        """Return supervisord's whole interface."""
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://supervisor", transport)

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        """Call a method of the supervisor. Raises RuntimeFailedError."""
        try:
            return getattr(self.proxy().supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in (Faults.ALREADY_STARTED, Faults.NOT_RUNNING):
                return None
            raise RuntimeFailedError(f"supervisord: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeFailedError(f"supervisord does not answer: {error}") from error

    # Private

    def _head(self) -> str:
        folder = self._folder
        return f"""\
; Written by `make up`; see teal/processes/programs.py.
[supervisord]
logfile = {_ini(folder / "supervisord.log")}
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {_ini(folder / "supervisord.pid")}
childlogdir = {_ini(self.output)}
umask = {private.UMASK:03o}

[unix_http_server]
file = {_ini(self.socket)}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


# Private


def _ini(value: object) -> str:
    """Write a value so that supervisord's configuration reader takes it literally.

    It expands the name of an output file twice, so that one is written by this twice.
    """
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
