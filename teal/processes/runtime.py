"""The local way: plain processes under supervisord, no Docker and no privilege needed."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import requests

from teal.errors import WaitedTooLongError
from teal.follow_file import follow_file
from teal.processes import grafana, nginx_processes, orphans
from teal.processes.nginx_place import (
    front_addresses,
    gateway_place,
    nginx_command,
    nginx_surroundings,
    pool_addresses,
)
from teal.processes.pools import LocalPools
from teal.processes.programs import programs
from teal.processes.supervisor import LIMIT_SECONDS, Supervisor
from teal.settings import POOLS, Settings
from teal.stack import (
    alertmanager_config,
    changed,
    gateway,
    listening,
    nginx,
    password,
    private,
    servers,
)
from teal.stack.components import part_at, parts
from teal.stack.layout import BEHIND_GATEWAY, Layout
from teal.stack.runtime import Listener
from teal.wait import wait_for

FINISH_SECONDS = 5


class LocalRuntime:
    """Teal as processes of this user. See `teal.stack.runtime.Runtime`."""

    name = "local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.layout = Layout(settings.directory / self.name)
        self.pools = pool_addresses(settings)
        self._supervisor = Supervisor(self.layout.directory)
        self.fleet = LocalPools(
            settings, self.layout, self._supervisor, self.pools, point=self._point
        )

    def listeners(self) -> list[Listener]:
        front = front_addresses(self._settings.http_addr)
        return [
            Listener(part=part.name, address=address, port=part.port, is_optional=part.optional)
            for part in parts(self._settings)
            for address in (front if part.name == "nginx" else ["127.0.0.1"])
            # A program that is not installed listens nowhere.
            if part.name != "grafana" or grafana.executable()
        ]

    def holder(self, port: int) -> str | None:
        if self._supervisor.is_up():
            leaders = {p["pid"]: p["name"] for p in self._supervisor.processes() if p["pid"]}
        else:
            # They are ended before others take their place.
            leaders = self._orphans()
        found = listening.holder(port, leaders, nginx=self.layout.directory / "nginx")
        return part_at(self._settings, port, found) if found else None

    def start(self, *, pull: bool = False, without: Collection[str] = ()) -> list[str]:
        servers.fetch_missing()
        self._supervisor.output.mkdir(parents=True, exist_ok=True)
        self.layout.secrets.mkdir(mode=0o700, exist_ok=True)
        wanted = [p for p in programs(self._settings, self.layout) if p.name not in without]
        # First: where a pool is now depends on whether it is what is wanted.
        self.fleet.want(wanted)
        self._write_targets()
        has_new_password = password.make(self.layout)
        has_grafana = any(program.name == "grafana" for program in wanted)
        place = gateway_place(self._settings, self.layout, has_grafana=has_grafana)
        gateway.render(self._settings, self.layout, place)
        private.protect(self.layout.private)
        nginx_before = nginx.current(self.layout)
        generation = self._prepare_nginx()
        routes_changed = self._write_routes()
        if self._supervisor.is_up():
            self._supervisor.apply_changes(but=POOLS, outliving=("nginx",))
            self._load_nginx(generation, nginx_before)
            if routes_changed:
                self._supervisor.call("signalProcess", "alertmanager", "HUP")
            # Whether it is different or not: a `make up` that failed may have made it so.
            self._supervisor.call("signalProcess", "gateway", "HUP")
            if has_new_password:
                self._supervisor.call("stopProcess", "prometheus", True)
                self._supervisor.call("startProcess", "prometheus", False)
        else:
            orphans.end(self._orphans(), outlived=("nginx",))
            # That number may be another program's by now, and rotate.sh would signal it.
            (self.layout.nginx / "parent.pid").unlink(missing_ok=True)
            self._supervisor.start()
        return ["There are no images without Docker: PULL=1 does nothing."] if pull else []

    def stop(self) -> None:
        if self._supervisor.is_up():
            self._supervisor.stop()
        else:
            orphans.end(self._orphans(), outlived=("nginx",))
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
        if not self._supervisor.is_up():
            return {}
        return {p["name"]: str(p["statename"]).lower() for p in self._supervisor.processes()}

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
        leader = self._supervisor.call("getProcessInfo", part)["pid"]
        self._supervisor.kill_leader(part)
        # What it had started would outlive it, and a gunicorn worker would even go on answering.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
        if part == "nginx":
            # It may have been started by another leader, which was killed.
            nginx_processes.kill_all(self.layout.nginx)
        self._supervisor.wait_until_stopped(part)

    def revive(self, part: str) -> None:
        if self.running().get(part) not in ("running", "starting"):
            self._supervisor.call("startProcess", part, False)

    def restart(self, part: str) -> None:
        if self.running().get(part) == "running":
            self._supervisor.call("stopProcess", part)
        self._supervisor.call("startProcess", part)

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        return follow_file(self._supervisor.output / f"{part}.log", follow=follow, lines=lines)

    # Private

    def _call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        return self._supervisor.call(method, *arguments)

    def _orphans(self) -> dict[int, str]:
        """Return what a killed supervisor left, by leader; nginx wipes out its environment."""
        left = nginx_processes.find(self.layout.gateway)
        gateways = {process.pid: "gateway" for process in left if process.is_master}
        return {**orphans.find(self._supervisor.socket), **gateways}

    def _prepare_nginx(self) -> str:
        """Put nginx's configuration in place, as in `teal.stack.nginx.prepare`."""
        around = nginx_surroundings(self._settings, self.layout, pools=self._addresses())
        return nginx.prepare(self._settings, self.layout, around, self._test_nginx)

    def _test_nginx(self, folder: Path) -> str:
        test = subprocess.run(
            [*nginx_command(self.layout, folder), "-t", "-q"],
            # A test makes the log, if it is not there.
            umask=private.UMASK,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
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
            seconds=LIMIT_SECONDS,
        )
        self._call("signalProcess", "nginx", "HUP")

    def _nginx_generation(self) -> str | None:
        """Return which configuration nginx runs; None while it does not answer."""
        try:
            answer = requests.get(
                f"http://{BEHIND_GATEWAY}:{self._settings.status_port}/generation",
                headers={"Host": nginx.STATUS_NAME},
                timeout=2,
            )
        except requests.RequestException:
            return None
        return answer.text.strip() if answer.ok else None

    def _write_routes(self) -> bool:
        program = servers.find("prometheus-alertmanager")
        version = servers.version(program) if program else ()
        return alertmanager_config.write_configuration(self._settings, self.layout, version=version)

    def _write_targets(self) -> None:
        self.layout.make(self._settings, hosts=_EverythingIsHere(), pools=self._addresses())

    def _addresses(self) -> dict[str, str]:
        return {pool: self.fleet.address(pool) for pool in POOLS}

    def _point(self) -> None:
        """Tell nginx and the prober where the pools are now."""
        self._write_targets()
        before = nginx.current(self.layout)
        self._load_nginx(self._prepare_nginx(), before)


# Private


class _EverythingIsHere(dict[str, str]):
    """Every part's host is this machine; all but the front door are behind the gateway."""

    def __missing__(self, part: str) -> str:
        return "127.0.0.1" if part == "nginx" else BEHIND_GATEWAY
