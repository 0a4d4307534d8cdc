"""The Docker way: the containers of compose.yml."""

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property

from teal import engine, failures, heartbeat, hints, images, pools
from teal.bootstrap import ROOT
from teal.layout import Layout, write
from teal.runtime import RuntimeFailedError
from teal.settings import POOLS, SECRETS, Settings

UP_LIMIT_SECONDS = 900
LIMIT_SECONDS = 120
# That of compose.yml.
ALERTMANAGER_VERSION = (0, 33, 1)


class DockerRuntime:
    """Teal in containers. See `teal.runtime.Runtime`."""

    name = "docker"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.layout = Layout(settings.directory / self.name)
        network = ipaddress.IPv4Network(settings.docker_subnet)
        self._ip = {pool: str(network[11 + number]) for number, pool in enumerate(POOLS)}
        # The upper half is for the containers whose address does not matter.
        self._ip_range = str(list(network.subnets())[1])
        self.pools = {
            pool: f"{ip}:{settings.pool_port or settings.port_of(pool)}"
            for pool, ip in self._ip.items()
        }

    def start(self) -> None:
        self.layout.make(self._settings, hosts=_EveryPartIsAHost(), pools=self.pools)
        ran = "alertmanager" in self.running()
        routes_changed = self._write_routes()
        self._hand_over_folders()
        self._compose("build", *self._build_flags(), limit=UP_LIMIT_SECONDS)
        self._tell_of_pools()
        try:
            self._compose(
                "up", "--detach", "--remove-orphans", "--quiet-pull", limit=UP_LIMIT_SECONDS
            )
        except RuntimeFailedError as error:
            raise RuntimeFailedError("\n  ".join([str(error), *self._why_not_started()])) from error
        if ran and routes_changed:
            self._compose("kill", "--signal", "HUP", "alertmanager")

    def stop(self) -> None:
        if self.running():
            self._compose("down", "--remove-orphans")

    def clean(self) -> None:
        if not self.layout.directory.exists():
            return
        self._compose("down", "--remove-orphans", "--volumes")
        shutil.rmtree(self.layout.directory, ignore_errors=True)

    def running(self) -> dict[str, str]:
        # Not `compose ps`: it would want every variable of compose.yml.
        answer = engine.ask(
            "ps", "--all", "--filter", f"label=com.docker.compose.project={self._settings.stack}",
            "--format", '{{.Label "com.docker.compose.service"}} {{.State}}',
        )  # fmt: skip
        return dict(line.split() for line in answer.splitlines())

    def reload(self) -> None:
        try:
            self._compose(
                "exec", "nginx", "nginx", "-t", "-e", "stderr", "-c", "/run/teal/nginx.conf"
            )
        except RuntimeFailedError as error:
            raise RuntimeFailedError(f"nginx refuses its configuration: {error}") from error
        self._write_routes()
        for part in ("nginx", "prometheus", "alertmanager", "blackbox"):
            self._compose("kill", "--signal", "HUP", part)

    def kill(self, part: str) -> None:
        # Docker restarts what dies by itself, but not what was killed by hand.
        self._compose("kill", "--signal", "KILL", part)

    def revive(self, part: str) -> None:
        self._compose("start", part)

    def output(self, part: str, *, follow: bool, lines: int) -> Iterator[str]:
        command = ["docker", "compose", *self._files(), "logs", "--no-log-prefix", "--no-color"]
        command += ["--tail", str(lines), *(["--follow"] if follow else []), part]
        with subprocess.Popen(
            command,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            for line in process.stdout:
                yield line.rstrip("\n")

    def compose_command(self, *arguments: str) -> list[str]:
        """Return a Compose command line that needs no variable from outside."""
        variables = [f"{k}={v}" for k, v in self._variables().items()]
        return ["env", *variables, "docker", "compose", *self._files(), *arguments]

    @cached_property
    def engine(self) -> engine.Engine:
        """What kind of engine this is."""
        return engine.look()

    def explain(self, part: str) -> str | None:
        failure = self.failure(part) if part in POOLS else None
        return hints.hint(failure) if failure else None

    def failure(self, pool: str) -> hints.Failure | None:
        """Return what is left of a pool that is not healthy; None where it has no container."""
        container = self._compose("ps", "--all", "--quiet", pool).strip()
        if not container:
            return None
        return failures.gather(
            pool,
            container,
            address=self.pools[pool],
            health_path=self._settings.health_path,
        )

    # Private

    def _tell_of_pools(self) -> None:
        """Write what Compose is told of the pools, for which their images must be there."""
        own = pools.environment(self._settings)
        found = {pool: images.fetch(getattr(self._settings, f"{pool}_image")) for pool in POOLS}
        made = pools.fragment(self._settings, found, own)
        write(self.layout.pools, pools.render(made), mode=0o600)
        notices = [pools.notice(self._settings, image) for image in found.values()]
        for notice in dict.fromkeys([self.engine.notice, *notices]):
            if notice:
                print(notice, flush=True)

    def _why_not_started(self) -> Iterator[str]:
        """Yield what would help the pools whose container could be made but not started."""
        for pool in POOLS:
            failure = self.failure(pool)
            if failure and failure.state == "created" and (advice := hints.hint(failure)):
                yield advice

    def _write_routes(self) -> bool:
        version = ALERTMANAGER_VERSION
        return heartbeat.write_configuration(self._settings, self.layout, version=version)

    def _files(self) -> list[str]:
        files = ["--file", str(ROOT / "compose.yml")]
        # The user's own words come last, and win.
        for more in (self.layout.pools, ROOT / "compose.override.yml"):
            if more.exists():
                files += ["--file", str(more)]
        profile = ["--profile", "grafana"] if self._settings.grafana == "on" else []
        # An empty --env-file keeps Compose from reading .env by itself: it holds the webhook.
        return [*files, *profile, "--project-directory", str(ROOT), "--env-file", os.devnull]

    def _environment(self) -> dict[str, str]:
        outside = {k: v for k, v in os.environ.items() if k not in SECRETS}
        return {**outside, **self._variables()}

    def _variables(self) -> dict[str, str]:
        settings = self._settings
        uid, gid = self._owner
        grafana = settings.grafana == "on" or settings.dashboard_url
        return {
            **settings.variables(),
            "TEAL_DATA": str(self.layout.directory),
            "TEAL_USER": f"{uid}:{gid}",
            "TEAL_USERNS": self.engine.user_namespace,
            # As its container's root, nginx would give its workers to nobody.
            "TEAL_NGINX_USER_DIRECTIVE": "" if uid else "user root;",
            "TEAL_IP_RANGE": self._ip_range,
            "TEAL_BLUE_IP": self._ip["blue"],
            "TEAL_GREEN_IP": self._ip["green"],
            "TEAL_BLUE_ADDR": self.pools["blue"],
            "TEAL_GREEN_ADDR": self.pools["green"],
            "TEAL_PROMETHEUS_URL": settings.link("prometheus"),
            "TEAL_ALERTMANAGER_URL": settings.link("alertmanager"),
            "TEAL_RUNBOOK_URL": settings.runbook,
            "TEAL_DASHBOARD_URL": settings.dashboard
            if grafana
            else f"{settings.runbook}#without-grafana",
        }

    @property
    def _owner(self) -> tuple[int, int]:
        return self.engine.owner(os.getuid(), os.getgid())

    def _build_flags(self) -> Sequence[str]:
        return ["--quiet"]

    def _compose(self, *arguments: str, limit: float = LIMIT_SECONDS) -> str:
        # A pool that does not stop is killed only after that time.
        limit += self._settings.pool_stop_seconds
        return engine.command(
            ["docker", "compose", *self._files(), *arguments], self._environment(), limit=limit
        )

    def _hand_over_folders(self) -> None:
        """Give what containers write to the user they run as, when root runs Teal."""
        if os.getuid() != 0:
            return
        uid, gid = self._owner
        for folder in (self.layout.log, self.layout.exporter, self.layout.inbox):
            for path in (folder, *folder.iterdir()):
                os.chown(path, uid, gid)


# Private


class _EveryPartIsAHost(dict[str, str]):
    """In Compose's network each part's name is its host."""

    def __missing__(self, part: str) -> str:
        return part
