"""The Docker way: the containers of compose.yml."""

import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from teal import changed, heartbeat, nginx
from teal.bootstrap import ROOT
from teal.layout import Layout
from teal.runtime import RuntimeFailedError
from teal.settings import POOLS, SECRETS, Settings

UP_LIMIT_SECONDS = 900
LIMIT_SECONDS = 120
# `docker run` ends with this or more when the engine could not do it, else as the command did.
ENGINE_FAILED = 125
# Who owns what nginx, the exporter and the inbox write when root runs Teal: no container of ours
# runs as root. Unused by Debian and by the images.
UNPRIVILEGED = 61000
# Those of compose.yml.
NGINX_VERSION = (1, 30, 6)
NGINX_RUN = "/tmp"  # noqa: S108 - a tmpfs of the container's own
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
        self._hand_over_folders()
        nginx_before = nginx.current(self.layout)
        generation = self._prepare_nginx()
        ran = "alertmanager" in self.running()
        routes_changed = self._write_routes()
        self._compose("build", *self._build_flags(), limit=UP_LIMIT_SECONDS)
        self._stop_old_nginx()
        self._compose("up", "--detach", "--remove-orphans", "--quiet-pull", limit=UP_LIMIT_SECONDS)
        if ran and routes_changed:
            self._signal("alertmanager")
        self._load_nginx(generation, nginx_before)

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

    def reload(self) -> list[str]:
        nginx_before = nginx.current(self.layout)
        generation = self._prepare_nginx()
        self._write_routes()
        told = ["nginx"] if self._load_nginx(generation, nginx_before) else []
        running = self.running()
        for part in changed.parts(self._settings, self.layout):
            if running.get(part) == "running":
                self._signal(part)
                told.append(part)
        return told

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

    def _prepare_nginx(self) -> str:
        """Put nginx's configuration in place, as in `teal.nginx.prepare`."""
        around = nginx.Surroundings(
            run=NGINX_RUN,
            log="/var/log/teal",
            state="/var/lib/teal",
            spool="/var/spool/teal",
            pools=self.pools,
            http_listen=f"0.0.0.0:{self._settings.http_port}",
            status_listen=self._status_listen,
            version=NGINX_VERSION,
        )
        return nginx.prepare(self._settings, self.layout, around, self._test_nginx)

    def _test_nginx(self, folder: Path) -> str:
        """Return what `nginx -t` says against a folder, in a container like that of nginx.

        Not in the running one: it may have other folders and addresses than the one that comes, or
        be what is broken. This one has no network, and any address is allowed.
        """
        service = json.loads(self._compose("config", "--format", "json"))["services"]["nginx"]
        mounts = [
            f"{v['source']}:{v['target']}{':ro' if v.get('read_only') else ''}"
            for v in service["volumes"]
        ]
        command = [
            "docker", "run", "--rm", "--read-only", "--network", "none", "--cap-drop", "ALL",
            "--tmpfs", f"{NGINX_RUN}:mode=1777", "--user", service["user"],
            "--sysctl", "net.ipv4.ip_nonlocal_bind=1",
            "--sysctl", "net.ipv4.ip_unprivileged_port_start=0",
            *_repeated("--security-opt", service.get("security_opt", [])),
            *_repeated("--volume", mounts),
            "--entrypoint", "nginx", service["image"],
            "-t", "-q", "-e", "stderr", "-c", f"/etc/teal/rendered/{folder.name}/nginx.conf",
        ]  # fmt: skip
        test = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=UP_LIMIT_SECONDS
        )
        if test.returncode >= ENGINE_FAILED:
            raise RuntimeFailedError(f"docker: {_last_words(test)}")
        return nginx.refusal(test.stderr) if test.returncode else ""

    def _stop_old_nginx(self) -> None:
        """Stop the nginx of a Teal that did not mount its configuration, and soon.

        It would refuse everybody until its last download is over, half a minute or more.
        """
        container = _docker(
            "ps", "--quiet", "--filter", f"label=com.docker.compose.project={self._settings.stack}",
            "--filter", "label=com.docker.compose.service=nginx",
        ).strip()  # fmt: skip
        if container and "/etc/teal/rendered" not in _docker(
            "inspect", "--format", "{{range .Mounts}}{{.Destination}} {{end}}", container
        ):
            _docker("stop", "-t", "2", container)

    def _load_nginx(self, generation: str, before: str | None) -> bool:
        return nginx.load(
            self.layout,
            generation,
            runs=self._nginx_generation,
            reload=lambda: self._signal("nginx"),
            before=before,
        )

    def _signal(self, part: str) -> None:
        """Have a part read its files again."""
        self._compose("kill", "--signal", "HUP", part)

    def _nginx_generation(self) -> str | None:
        """Return which configuration nginx runs; None while it does not answer.

        Asked inside: that needs no other part, and no port.
        """
        url = f"http://{self._status_listen}/generation"
        try:
            return self._compose("exec", "-T", "nginx", "curl", "-fsS", "-m", "2", url).strip()
        except RuntimeFailedError:
            return None

    @property
    def _status_listen(self) -> str:
        return f"0.0.0.0:{self._settings.status_port}"

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

    def _build_flags(self) -> Sequence[str]:
        return ["--quiet"]

    def _compose(self, *arguments: str, limit: float = LIMIT_SECONDS) -> str:
        return _run(
            ["docker", "compose", *self._files(), *arguments], self._environment(), limit=limit
        )

    def _hand_over_folders(self) -> None:
        """Give what containers write to the user they run as, when root runs Teal."""
        if os.getuid() != 0:
            return
        uid, gid = _owner()
        for folder in (self.layout.log, self.layout.spool, self.layout.exporter, self.layout.inbox):
            for path in (folder, *folder.iterdir()):
                os.chown(path, uid, gid)


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
        raise RuntimeFailedError(f"docker: {_last_words(result)}")
    return result.stdout


def _last_words(result: subprocess.CompletedProcess[str]) -> str:
    said = (result.stderr or result.stdout).strip().splitlines()
    return " / ".join(said[-3:]) or f"exit {result.returncode}"


def _repeated(option: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
