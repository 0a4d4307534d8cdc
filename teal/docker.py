"""The Docker way: the containers of compose.yml."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from teal import gateway, heartbeat, networks, password, private
from teal.bootstrap import ROOT
from teal.layout import Layout
from teal.runtime import RuntimeFailedError
from teal.settings import POOLS, SECRETS, Settings

UP_LIMIT_SECONDS = 900
LIMIT_SECONDS = 120
# Who owns what nginx, the exporter and the inbox write when root runs Teal: no container of ours
# runs as root. Unused by Debian and by the images.
UNPRIVILEGED = 61000
# That of compose.yml.
ALERTMANAGER_VERSION = (0, 33, 1)


class DockerRuntime:
    """Teal in containers. See `teal.runtime.Runtime`."""

    name = "docker"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.layout = Layout(settings.directory / self.name)
        self._plan = networks.plan(settings.docker_subnet)
        self.pools = {pool: self._at(pool, self._plan.pool(pool)) for pool in POOLS}

    def start(self) -> None:
        self.layout.make(self._settings, hosts=_EveryPartIsAHost(), pools=self.pools)
        has_new_password = password.make(self.layout)
        ran = self.running()
        routes_changed = self._write_routes()
        gateway.render(self._settings, self.layout, self._gateway())
        self._hand_over_folders()
        # First, and whether it is different or not: a `make up` that failed may have made it so.
        if ran.get("gateway") == "running":
            self._compose("kill", "--signal", "HUP", "gateway")
        if ran.get("prometheus") == "running" and has_new_password:
            self._compose("restart", "prometheus")
        self._compose("build", *self._build_flags(), limit=UP_LIMIT_SECONDS)
        self._leave_other_networks()
        self._compose("up", "--detach", "--remove-orphans", "--quiet-pull", limit=UP_LIMIT_SECONDS)
        if "alertmanager" in ran and routes_changed:
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
        answer = _docker(
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

    # Private

    def _write_routes(self) -> bool:
        version = ALERTMANAGER_VERSION
        return heartbeat.write_configuration(self._settings, self.layout, version=version)

    def _files(self) -> list[str]:
        files = ["--file", str(ROOT / "compose.yml")]
        override = ROOT / "compose.override.yml"
        if override.exists():
            files += ["--file", str(override)]
        profile = ["--profile", "grafana"] if self._settings.grafana == "on" else []
        # An empty --env-file keeps Compose from reading .env by itself: it holds the webhook.
        return [*files, *profile, "--project-directory", str(ROOT), "--env-file", os.devnull]

    def _environment(self) -> dict[str, str]:
        outside = {k: v for k, v in os.environ.items() if k not in SECRETS}
        return {**outside, **self._variables()}

    def _variables(self) -> dict[str, str]:
        settings = self._settings
        uid, gid = _owner()
        grafana = settings.grafana == "on" or settings.dashboard_url
        return {
            **settings.variables(),
            "TEAL_DATA": str(self.layout.directory),
            "TEAL_USER": f"{uid}:{gid}",
            **self._plan.variables(),
            "TEAL_BLUE_ADDR": self.pools["blue"],
            "TEAL_GREEN_ADDR": self.pools["green"],
            "TEAL_BLUE_ADDR_BEFORE": self._at("blue", self._plan.before["blue"]),
            "TEAL_GREEN_ADDR_BEFORE": self._at("green", self._plan.before["green"]),
            "TEAL_INBOX_HOSTS": ",".join(self._inbox_hosts()),
            "TEAL_PROMETHEUS_URL": settings.link("prometheus"),
            "TEAL_ALERTMANAGER_URL": settings.link("alertmanager"),
            "TEAL_RUNBOOK_URL": settings.runbook,
            "TEAL_DASHBOARD_URL": settings.dashboard
            if grafana
            else f"{settings.runbook}#without-grafana",
        }

    def _build_flags(self) -> Sequence[str]:
        return ["--quiet"]

    def _compose(self, *arguments: str, limit: float = LIMIT_SECONDS) -> str:
        return _run(
            ["docker", "compose", *self._files(), *arguments], self._environment(), limit=limit
        )

    def _hand_over_folders(self) -> None:
        """Close what users sent; give what containers write to the user they run as."""
        uid, gid = _owner()
        private.protect(self.layout.private, owner=uid)
        if os.getuid() == 0:
            os.chown(self.layout.gateway, uid, gid)

    def _at(self, pool: str, address: str) -> str:
        return f"{address}:{self._settings.pool_port or self._settings.port_of(pool)}"

    def _inbox_hosts(self) -> list[str]:
        found = gateway.published(self._settings, "inbox")
        return ["inbox", self._plan.address("inbox"), *(found[:1] if found else ())]

    def _gateway(self) -> gateway.Place:
        inside = self._plan.address
        ports = {part: getattr(self._settings, f"{part}_port") for part in gateway.BEHIND}
        parts = {part: f"{inside(part)}:{ports[part]}" for part in gateway.BEHIND[1:]}
        parts["status"] = f"{inside('nginx')}:{ports['status']}"
        for pool in POOLS:
            parts[pool] = f"{inside('nginx')}:{self._settings.port_of(pool)}"
        return gateway.Place(
            # It is published on 127.0.0.1, and Docker passes on from the bridge's address.
            listen="0.0.0.0",  # noqa: S104 - it looks at who asks
            run="/tmp",  # noqa: S108 - of the container
            this_machine=("127.0.0.0/8", self._plan.networks["edge"].bridge),
            parts=parts,
            # Grafana knows no password of Prometheus: it asks through the gateway as well.
            also={"prometheus": (inside("grafana"), inside("gateway"))},
        )

    def _leave_other_networks(self) -> None:
        """Take the stack down if it runs in networks of an older version, or of another subnet."""
        names = _docker(
            "network", "ls", "--format", "{{.Name}}",
            "--filter", f"label=com.docker.compose.project={self._settings.stack}",
        ).split()  # fmt: skip
        existing = json.loads(_docker("network", "inspect", *names)) if names else []
        found = [
            networks.Found(each["Name"], tuple(c["Subnet"] for c in each["IPAM"]["Config"] or ()))
            for each in existing
        ]
        in_the_way = self._plan.in_the_way(found, self._settings.stack)
        if not in_the_way:
            return
        print(
            "The networks are others than before: the stack goes down once, and comes up in the "
            "new ones ...",
            flush=True,
        )
        self._compose("down", "--remove-orphans")
        for name in _docker("network", "ls", "--format", "{{.Name}}").split():
            if name in in_the_way:
                _docker("network", "rm", name)


# Private


class _EveryPartIsAHost(dict[str, str]):
    """In Compose's network each part's name is its host."""

    def __missing__(self, part: str) -> str:
        return part


def _owner() -> tuple[int, int]:
    return (os.getuid(), os.getgid()) if os.getuid() else (UNPRIVILEGED, UNPRIVILEGED)


def _docker(*arguments: str) -> str:
    return _run(["docker", *arguments], None, limit=LIMIT_SECONDS)


def _run(command: list[str], environment: dict[str, str] | None, *, limit: float) -> str:
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        words = " ".join(command[:2] + command[-2:])
        raise RuntimeFailedError(f"waited {limit:g} s for `{words}`") from error
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise RuntimeFailedError(
            "docker: " + (" / ".join(said[-3:]) or f"exit {result.returncode}")
        )
    return result.stdout
