"""The local way: plain processes under supervisord, no Docker and no privilege needed."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from teal import gateway, heartbeat, packages, password, private
from teal.follow import follow_file
from teal.layout import BEHIND_GATEWAY, Layout
from teal.program import Program
from teal.programs import (
    gateway_place,
    nginx_command,
    pool_addresses,
    programs,
    render_nginx,
)
from teal.runtime import RuntimeFailedError
from teal.settings import Settings
from teal.wait import wait_for

SUPERVISOR_LIMIT_SECONDS = 20
STOP_LIMIT_SECONDS = 60
# The kernel's limit for the name of a unix socket is 108 bytes.
LONGEST_SOCKET_PATH = 100


class LocalRuntime:
    """Teal as processes of this user. See `teal.runtime.Runtime`."""

    name = "local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.layout = Layout(settings.directory / self.name)
        self.pools = pool_addresses(settings)
        self._socket = self.layout.directory / "supervisor.sock"
        self._output = self.layout.directory / "output"
        if len(str(self._socket)) > LONGEST_SOCKET_PATH:
            raise RuntimeFailedError(
                f"the path {self.layout.directory} is too long for a socket; move Teal up a few "
                "folders"
            )

    def start(self) -> None:
        packages.fetch_missing()
        self.layout.make(self._settings, hosts=_EverythingIsHere(), pools=self.pools)
        has_new_password = password.make(self.layout)
        nginx_changed = render_nginx(self._settings, self.layout)
        routes_changed = self._write_routes()
        place = gateway_place(self._settings, self.layout)
        gateway.render(self._settings, self.layout, place)
        self._output.mkdir(exist_ok=True)
        private.protect(self.layout.private)
        configuration = self.layout.directory / "supervisord.conf"
        everything = programs(self._settings, self.layout)
        configuration.write_text(self._configuration(everything))
        if self._is_up():
            # First: a port that it does not listen on any more may be the gateway's now.
            if nginx_changed:
                self._call("signalProcess", "nginx", "HUP")
            self._apply_changes()
            # Whether it is different or not: a `make up` that failed may have made it so.
            self._call("signalProcess", "gateway", "HUP")
            if has_new_password:
                self._call("stopProcess", "prometheus", True)
                self._call("startProcess", "prometheus", False)
            if routes_changed:
                self._call("signalProcess", "alertmanager", "HUP")
        else:
            self._start_supervisor(configuration)

    def stop(self) -> None:
        if not self._is_up():
            return
        pid = self._call("getPID")
        self._call("shutdown")
        wait_for(
            lambda: not Path(f"/proc/{pid}").exists(),
            what="the supervisor and all it runs to stop",
            seconds=STOP_LIMIT_SECONDS,
        )

    def clean(self) -> None:
        self.stop()
        shutil.rmtree(self.layout.directory, ignore_errors=True)

    def running(self) -> dict[str, str]:
        if not self._is_up():
            return {}
        return {
            process["name"]: str(process["statename"]).lower()
            for process in self._call("getAllProcessInfo")
        }

    def reload(self) -> None:
        render_nginx(self._settings, self.layout)
        test = subprocess.run(
            [*nginx_command(self.layout), "-t"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        if test.returncode:
            reason = (test.stderr.strip().splitlines() or ["no reason given"])[-2:][0]
            raise RuntimeFailedError(f"nginx refuses its configuration: {reason}")
        self._write_routes()
        for part in ("nginx", "prometheus", "alertmanager", "blackbox"):
            self._call("signalProcess", part, "HUP")

    def kill(self, part: str) -> None:
        leader = self._call("getProcessInfo", part)["pid"]
        # In one call, so that the supervisor has no chance to restart it in between.
        calls = [
            {"methodName": "supervisor.signalProcess", "params": [part, "KILL"]},
            {"methodName": "supervisor.stopProcess", "params": [part, False]},
        ]
        self._proxy().system.multicall(calls)
        # What it had started would outlive it, and a gunicorn worker would even go on answering.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
        wait_for(
            lambda: self.running().get(part) == "stopped",
            what=f"{part} to be dead",
            seconds=SUPERVISOR_LIMIT_SECONDS,
        )

    def revive(self, part: str) -> None:
        if self.running().get(part) not in ("running", "starting"):
            self._call("startProcess", part, False)

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        return follow_file(self._output / f"{part}.log", follow=follow, lines=lines)

    # Private

    def _write_routes(self) -> bool:
        program = packages.find("prometheus-alertmanager")
        version = packages.version(program) if program else ()
        return heartbeat.write_configuration(self._settings, self.layout, version=version)

    def _configuration(self, everything: list[Program]) -> str:
        folder = self.layout.directory
        sections = [
            f"""\
; Written by `make up`; see teal/programs.py.
[supervisord]
logfile = {_ini(folder / "supervisord.log")}
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {_ini(folder / "supervisord.pid")}
umask = {private.UMASK:03o}
childlogdir = {_ini(self._output)}

[unix_http_server]
file = {_ini(self._socket)}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
        ]
        for program in everything:
            environment = ",".join(f'{k}="{_ini(v)}"' for k, v in program.environment.items())
            command = " ".join(_quoted(_ini(word)) for word in program.command)
            sections.append(f"""\
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
stdout_logfile = {_ini(self._output / program.name)}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 1
""")
        return "\n".join(sections)

    def _start_supervisor(self, configuration: Path) -> None:
        # Nothing of the user's environment reaches the parts: it may hold the webhook.
        clean = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        result = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(configuration)],
            env={**clean, "PATH": os.environ.get("PATH", os.defpath)},
            cwd=self.layout.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=SUPERVISOR_LIMIT_SECONDS,
        )
        if result.returncode:
            reason = (result.stderr or result.stdout).strip().splitlines()
            raise RuntimeFailedError(f"supervisord does not start: {reason[-1] if reason else '?'}")
        wait_for(self._is_up, what="supervisord to answer", seconds=SUPERVISOR_LIMIT_SECONDS)

    def _apply_changes(self) -> None:
        """Bring running processes in line with a configuration that may have changed."""
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name, True)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)
        for name, state in self.running().items():
            if state in ("stopped", "exited", "fatal"):
                self._call("startProcess", name, False)

    def _is_up(self) -> bool:
        if not self._socket.exists():
            return False
        try:
            self._call("getState")
        except RuntimeFailedError:
            return False
        return True

    def _proxy(self) -> Any:  # noqa: ANN401 - xmlrpc has no types to give
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://supervisor", transport)

    def _call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        try:
            return getattr(self._proxy().supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in (Faults.ALREADY_STARTED, Faults.NOT_RUNNING):
                return None
            raise RuntimeFailedError(f"supervisord: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeFailedError(f"supervisord does not answer: {error}") from error


# Private


class _EverythingIsHere(dict[str, str]):
    """Every part's host is this machine; all but the front door are behind the gateway."""

    def __missing__(self, part: str) -> str:
        return "127.0.0.1" if part == "nginx" else BEHIND_GATEWAY


def _ini(value: object) -> str:
    """Write a value so that supervisord's configuration reader takes it literally."""
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
