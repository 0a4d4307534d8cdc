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

import requests
from supervisor.xmlrpc import Faults, SupervisorTransport

from teal import changed, heartbeat, nginx, nginx_processes, packages
from teal.follow import follow_file
from teal.layout import Layout
from teal.program import Program
from teal.programs import nginx_command, nginx_surroundings, pool_addresses, programs
from teal.runtime import RuntimeFailedError
from teal.settings import Settings
from teal.wait import WaitedTooLongError, wait_for

SUPERVISOR_LIMIT_SECONDS = 20
STOP_LIMIT_SECONDS = 60
FINISH_SECONDS = 5
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
        nginx_before = nginx.current(self.layout)
        generation = self._prepare_nginx()
        routes_changed = self._write_routes()
        self._output.mkdir(exist_ok=True)
        configuration = self.layout.directory / "supervisord.conf"
        everything = programs(self._settings, self.layout)
        configuration.write_text(self._configuration(everything))
        if self._is_up():
            self._apply_changes()
            self._load_nginx(generation, nginx_before)
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
        # nginx outlives its supervisor for what it still finishes; but it has no pool any more.
        for process in nginx_processes.find(self.layout.nginx):
            nginx_processes.send(process.pid, signal.SIGQUIT)
        with contextlib.suppress(WaitedTooLongError):
            wait_for(
                lambda: not nginx_processes.find(self.layout.nginx),
                what="nginx to finish",
                seconds=FINISH_SECONDS,
            )
        nginx_processes.kill_all(self.layout.nginx)

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

    def reload(self) -> list[str]:
        nginx_before = nginx.current(self.layout)
        generation = self._prepare_nginx()
        self._write_routes()
        told = ["nginx"] if self._load_nginx(generation, nginx_before) else []
        running = self.running()
        for part in changed.parts(self._settings, self.layout):
            if running.get(part) == "running":
                self._call("signalProcess", part, "HUP")
                told.append(part)
        return told

    def kill(self, part: str) -> None:
        leader = self._call("getProcessInfo", part)["pid"]
        self._kill_leader(part)
        # What it had started would outlive it, and a gunicorn worker would even go on answering.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
        if part == "nginx":
            # It may have been started by another leader, which was killed.
            nginx_processes.kill_all(self.layout.nginx)
        self._wait_until_stopped(part)

    def revive(self, part: str) -> None:
        if self.running().get(part) not in ("running", "starting"):
            self._call("startProcess", part, False)

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        return follow_file(self._output / f"{part}.log", follow=follow, lines=lines)

    # Private

    def _prepare_nginx(self) -> str:
        """Put nginx's configuration in place, as in `teal.nginx.prepare`."""
        around = nginx_surroundings(self._settings, self.layout)
        return nginx.prepare(self._settings, self.layout, around, self._test_nginx)

    def _test_nginx(self, folder: Path) -> str:
        test = subprocess.run(
            [*nginx_command(self.layout, folder), "-t", "-q"],
            capture_output=True,
            text=True,
            check=False,
            timeout=SUPERVISOR_LIMIT_SECONDS,
        )
        return nginx.refusal(test.stderr) if test.returncode else ""

    def _load_nginx(self, generation: str, before: str | None) -> bool:
        return nginx.load(
            self.layout,
            generation,
            runs=self._nginx_generation,
            reload=self._reload_nginx,
            before=before,
        )

    def _reload_nginx(self) -> None:
        # A Python that has only just started would be killed by the signal.
        pid_file = self.layout.nginx / "parent.pid"
        wait_for(
            lambda: pid_file.read_text() == f"{self._call('getProcessInfo', 'nginx')['pid']}\n",
            what="nginx's parent to be ready",
            seconds=SUPERVISOR_LIMIT_SECONDS,
        )
        self._call("signalProcess", "nginx", "HUP")

    def _nginx_generation(self) -> str | None:
        """Return which configuration nginx runs; None while it does not answer."""
        try:
            answer = requests.get(f"{self._settings.url('status')}/generation", timeout=2)
        except requests.RequestException:
            return None
        return answer.text.strip() if answer.ok else None

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
            if name == "nginx":
                # It goes on without the process that changed; the new one takes it over.
                self._kill_leader(name)
                self._wait_until_stopped(name)
            else:
                self._call("stopProcessGroup", name, True)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)
        for name, state in self.running().items():
            if state in ("stopped", "exited", "fatal"):
                self._call("startProcess", name, False)

    def _kill_leader(self, part: str) -> None:
        """Kill the process that the supervisor started, and keep it down."""
        # In one call, so that the supervisor has no chance to restart it in between.
        calls = [
            {"methodName": "supervisor.signalProcess", "params": [part, "KILL"]},
            {"methodName": "supervisor.stopProcess", "params": [part, False]},
        ]
        self._proxy().system.multicall(calls)

    def _wait_until_stopped(self, part: str) -> None:
        wait_for(
            lambda: self.running().get(part) == "stopped",
            what=f"{part} to be dead",
            seconds=SUPERVISOR_LIMIT_SECONDS,
        )

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
    """Every part's host is this machine."""

    def __missing__(self, part: str) -> str:
        return "127.0.0.1"


def _ini(value: object) -> str:
    """Write a value so that supervisord's configuration reader takes it literally."""
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
