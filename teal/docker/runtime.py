"""The Docker way: the containers of compose.yml."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator
from functools import cached_property

from teal.docker import (
    addresses,
    containers,
    engine,
    engine_kind,
    image_config,
    networks,
    pool_overrides,
    variables,
)
from teal.docker.compose import UP_LIMIT_SECONDS, Compose
from teal.docker.containers import Container
from teal.docker.images import get_images
from teal.docker.nginx_container import NginxContainer
from teal.docker.pools import DockerPools
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import POOLS, Settings
from teal.stack import alertmanager_config, changed, gateway, nginx, password, private
from teal.stack.components import part_at
from teal.stack.layout import Layout, write
from teal.stack.runtime import Listener
from teal.wait import wait_for

# That of compose.yml.
ALERTMANAGER_VERSION = (0, 33, 1)
ATTEMPTS = 3
WELL_LIMIT_SECONDS = 60
# A stack works without them.
OPTIONAL = {"grafana": "GRAFANA=off"}
# What Compose would not bring up, or leave as it is.
_BROKEN = ("paused", "dead", "removing", "restarting")


class DockerRuntime:
    """Teal in containers. See `teal.stack.runtime.Runtime`."""

    name = "docker"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.layout = Layout(settings.directory / self.name)
        self._plan = addresses.plan(settings.docker_subnet)
        self.pools = variables.pools(settings, self._plan)
        self._compose = Compose(settings, self._variables(), self.layout.pools)
        self._nginx = NginxContainer(
            settings,
            self.layout,
            self._compose,
            self._plan,
            pools=self._addresses,
            is_root=lambda: not self._owner[0],
        )
        self.fleet = DockerPools(
            settings, self.layout, self._compose, self.pools, point=self._point
        )

    def listeners(self) -> list[Listener]:
        wanted = [
            (part_at(self._settings, port, service), address, port)
            for service in self._compose.services()
            for address, port in self._compose.published(service)
        ]
        if "grafana" in self._compose.services():
            # The gateway publishes it only where Grafana is not left out (see _tell_of_parts).
            wanted.append(("grafana", "127.0.0.1", self._settings.grafana_port))
        return [
            Listener(part=part, address=address, port=port, is_optional=part in OPTIONAL)
            for part, address, port in dict.fromkeys(wanted)
        ]

    def holder(self, port: int) -> str | None:
        for found in self._containers().values():
            if found.runs and any(port == published for _, published in found.published):
                return part_at(self._settings, port, found.service)
        return None

    def start(self, *, pull: bool = False, without: Collection[str] = ()) -> list[str]:
        self._write_targets()
        has_new_password = password.make(self.layout)
        ran = self.running()
        routes_changed = self._write_routes()
        has_grafana = "grafana" in self._compose.services() and "grafana" not in without
        place = networks.gateway_place(
            self._settings, self._plan, has_grafana=has_grafana, is_root=not self._owner[0]
        )
        gateway.render(self._settings, self.layout, place)
        self._hand_over_folders()
        self._compose.run("build", "--quiet", limit=UP_LIMIT_SECONDS)
        told = get_images(self._compose, optional=OPTIONAL, without=without, pull=pull)
        told += self._tell_of_parts(has_grafana=has_grafana)
        if networks.leave_others(self._plan, self._settings.stack, self._compose):
            self._write_targets()
        # First, and whether it is different or not: a `make up` that failed may have made it so.
        if ran.get("gateway") == "running":
            self._compose.signal("gateway")
        if ran.get("prometheus") == "running" and has_new_password:
            self._compose.run("restart", "prometheus")
        nginx_before = nginx.current(self.layout)
        generation = self._nginx.prepare()
        found = self._containers()
        if not any(found[pool].runs for pool in POOLS if pool in found):
            self._begin_pools()
        self._nginx.stop_old(found)
        services = self._compose.services()
        required = [s for s in services if s not in POOLS and s not in OPTIONAL]
        self._remove_broken(required, found)
        self._up_patiently(required)
        if "alertmanager" in ran and routes_changed:
            self._compose.signal("alertmanager")
        self._nginx.load(generation, nginx_before)
        self.fleet.look_again()
        for service in OPTIONAL:
            if service in services and service not in without:
                told += self._start_optional(service, found)
        return told

    def stop(self) -> None:
        if self.running():
            self._compose.run("down", "--remove-orphans")

    def clean(self) -> None:
        if not self.layout.directory.exists():
            return
        self._compose.run("down", "--remove-orphans", "--volumes")
        shutil.rmtree(self.layout.directory, ignore_errors=True)

    def running(self) -> dict[str, str]:
        # Not `compose ps`: it would want every variable of compose.yml.
        answer = engine.docker(
            "ps", "--all", "--filter", f"label=com.docker.compose.project={self._settings.stack}",
            "--format", '{{.Label "com.docker.compose.service"}} {{.State}}',
        )  # fmt: skip
        return dict(line.split() for line in answer.splitlines())

    def reload(self) -> list[str]:
        nginx_before = nginx.current(self.layout)
        generation = self._nginx.prepare()
        self._write_routes()
        told = ["nginx"] if self._nginx.load(generation, nginx_before) else []
        running = self.running()
        for part in changed.parts(self._settings, self.layout):
            if running.get(part) == "running":
                self._compose.signal(part)
                told.append(part)
        return told

    def kill(self, part: str) -> None:
        # Docker restarts what dies by itself, but not what was killed by hand.
        self._compose.run("kill", "--signal", "KILL", part)

    def revive(self, part: str) -> None:
        self._compose.run("start", part)

    def restart(self, part: str) -> None:
        self._compose.run("restart", part)

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        command = ["docker", "compose", *self._compose.files(), "logs"]
        command += ["--no-log-prefix", "--no-color", "--tail", str(lines)]
        command += [*(["--follow"] if follow else []), part]
        with subprocess.Popen(
            command,
            env=self._compose.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            for line in process.stdout:
                yield line.rstrip("\n")

    def compose_command(self, *arguments: str) -> list[str]:
        """Return a Compose command line that needs no variable from outside."""
        variables = [f"{k}={v}" for k, v in self._variables().items()]
        return ["env", *variables, "docker", "compose", *self._compose.files(), *arguments]

    @cached_property
    def kind(self) -> engine_kind.EngineKind:
        """What kind of engine this is."""
        return engine_kind.look()

    # Private

    def _tell_of_parts(self, *, has_grafana: bool) -> list[str]:
        """Write what Compose is told of the pools, whose images say part of it. Return notices."""
        own = pool_overrides.environment(self._settings)
        images = {pool: image_config.read(self._compose.image_of(pool)) for pool in POOLS}
        made = pool_overrides.fragment(self._settings, images, own)
        if has_grafana:
            # Nobody else's port is taken for a Grafana that is left out.
            port = self._settings.grafana_port
            made["services"]["gateway"] = {"ports": [f"127.0.0.1:{port}:{port}"]}
        write(self.layout.pools, pool_overrides.render(made), mode=0o600)
        self._compose.read_again()
        notices = [pool_overrides.notice(self._settings, image) for image in images.values()]
        return [each for each in dict.fromkeys([self.kind.notice, *notices]) if each]

    def _write_routes(self) -> bool:
        version = ALERTMANAGER_VERSION
        return alertmanager_config.write_configuration(self._settings, self.layout, version=version)

    def _containers(self) -> dict[str, Container]:
        return containers.of(self._settings.stack, engine.docker)

    def _write_targets(self) -> None:
        self.layout.make(
            self._settings, hosts=addresses.EveryPartIsAHost(), pools=self._addresses()
        )

    def _addresses(self) -> dict[str, str]:
        return {pool: self.fleet.address(pool) for pool in POOLS}

    def _point(self) -> None:
        """Tell nginx and the prober where the pools are now."""
        self._write_targets()
        before = nginx.current(self.layout)
        self._nginx.load(self._nginx.prepare(), before)

    def _begin_pools(self) -> None:
        """Start both pools of a stack in which none runs; nothing can be lost by it.

        What fails here is tried again, and told, when the rest is there.
        """
        for pool in POOLS:
            if engine.image_id(self._compose.image_of(pool)):
                self.fleet.make_startable(pool)
                with contextlib.suppress(RuntimeFailedError):
                    self._compose.up(pool, flags=["--no-deps"])
        self.fleet.look_again()

    def _remove_broken(self, services: Collection[str], found: dict[str, Container]) -> None:
        """Remove containers that Compose would leave as they are, though they do not do."""
        for service in services:
            each = found.get(service)
            if each is None:
                continue
            is_lost = each.runs and not each.is_at(self._compose.networks_of(service))
            if each.state in _BROKEN or is_lost:
                self.fleet.make_startable(service)
                self._compose.run("rm", "--stop", "--force", service)

    def _up_patiently(self, services: Collection[str]) -> None:
        """Bring services up. On a busy machine a health check fails now and then: not for long."""
        for left in reversed(range(ATTEMPTS)):
            try:
                self._compose.up(*services, flags=["--remove-orphans"])
            except engine.UnwellError:
                if not left:
                    raise
                self._wait_until_well(services)
            else:
                return

    def _wait_until_well(self, services: Collection[str]) -> None:
        def nobody_is_unwell() -> bool:
            return all(
                found.health != "unhealthy"
                for found in self._containers().values()
                if found.service in services
            )

        with contextlib.suppress(WaitedTooLongError):
            wait_for(nobody_is_unwell, what="parts to be well", seconds=WELL_LIMIT_SECONDS, poll=1)

    def _start_optional(self, service: str, found: dict[str, Container]) -> list[str]:
        try:
            image = self._compose.image_of(service)
            if engine.image_id(image) is None:
                engine.pull(image)
            self._remove_broken([service], found)
            self._compose.up(service)
        except RuntimeFailedError as error:
            return [f"{service} is left out: {error}; or leave it out: {OPTIONAL[service]}"]
        return []

    def _variables(self) -> dict[str, str]:
        return variables.of(
            self._settings,
            self.layout,
            self._plan,
            owner=self._owner,
            user_namespace=self.kind.user_namespace,
        )

    @property
    def _owner(self) -> tuple[int, int]:
        return self.kind.owner(os.getuid(), os.getgid())

    def _hand_over_folders(self) -> None:
        """Close what users sent; give what containers write to the user they run as."""
        uid, gid = self._owner
        is_root = os.getuid() == 0
        private.protect(self.layout.private, owner=uid if is_root else -1)
        if is_root:
            os.chown(self.layout.gateway, uid, gid)
