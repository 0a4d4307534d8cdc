"""The local way: which process each part is, with its command line and environment.

What containers get from compose.yml, plain processes get from here; the configuration files are the
same.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from teal.bootstrap import ROOT
from teal.errors import SetupError
from teal.processes import grafana
from teal.processes.program import Program
from teal.settings import POOLS, Settings
from teal.stack import listening, nginx, servers
from teal.stack.gateway import BEHIND, Place, published
from teal.stack.layout import BEHIND_GATEWAY, Layout

_START_DELAY_SINCE = (0, 30)


def programs(settings: Settings, layout: Layout) -> list[Program]:
    """Return the processes in the order in which they are started. Raises SetupError."""
    everything = [
        _inbox(settings, layout),
        _alertmanager(settings, layout),
        _blackbox(settings, layout),
        _prometheus(settings, layout),
        _exporter(settings, layout),
        _pool("blue", settings),
        _pool("green", settings),
        _nginx(layout),
        _gateway(layout),
        _rotate(layout),
    ]
    server = grafana.program(settings, layout)
    return [*everything, server] if server else everything


def pool_addresses(settings: Settings) -> dict[str, str]:
    """Return the address and port of each pool."""
    return {pool: f"127.0.0.1:{settings.port_of(pool)}" for pool in POOLS}


def front_addresses(http_addr: str) -> list[str]:
    """Return where the front door listens; an IPv6 address stands in brackets."""
    if http_addr not in ("", "[::]"):
        return [http_addr]
    # A kernel without IPv6 has no address to listen at.
    return ["0.0.0.0", *(["[::]"] if listening.has_ipv6() else [])]  # noqa: S104 - the setting


def nginx_surroundings(
    settings: Settings, layout: Layout, *, pools: Mapping[str, str]
) -> nginx.Surroundings:
    """Return where nginx finds itself as a plain process. `pools` is where each pool is now."""
    return nginx.Surroundings(
        run=str(layout.nginx),
        log=str(layout.log),
        state=str(layout.state),
        spool=str(layout.spool),
        pools=pools,
        http_listen=[f"{a}:{settings.http_port}" for a in front_addresses(settings.http_addr)],
        private=BEHIND_GATEWAY,
        inside="127.0.0.0/8",
        version=servers.version(Path(_server("nginx"))),
        user=_user_directive(),
    )


def gateway_place(settings: Settings, layout: Layout, *, has_grafana: bool) -> Place:
    """Return where the gateway stands: on the ports of 127.0.0.1, before the same of 127.0.0.2."""
    behind = [part for part in BEHIND if part != "grafana" or has_grafana]
    return Place(
        listen="127.0.0.1",
        run=str(layout.gateway),
        this_machine=("127.0.0.0/8",),
        parts={part: f"{BEHIND_GATEWAY}:{getattr(settings, f'{part}_port')}" for part in behind},
        user=_user_directive(),
    )


def gateway_command(layout: Layout) -> list[str]:
    """Return the command line that runs the gateway."""
    folder = layout.gateway
    return [_server("nginx"), "-e", "stderr", "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def nginx_command(layout: Layout, configuration: Path | None = None) -> list[str]:
    """Return the command line that runs nginx with the current configuration, or with another."""
    path = (configuration or layout.nginx / "current") / "nginx.conf"
    return [_server("nginx"), "-e", "stderr", "-p", str(layout.nginx), "-c", str(path)]


def start_delay(alertmanager: tuple[int, ...]) -> list[str]:
    """Return the flag that keeps a fresh Alertmanager from speaking before it has heard everything.

    Debian 12's does not know it.
    """
    return ["--dispatch.start-delay=15s"] if alertmanager >= _START_DELAY_SINCE else []


# Private


def _server(command: str) -> str:
    found = servers.find(command)
    if found is None:
        raise SetupError(f"{command} is missing; `make up` fetches it")
    return str(found)


def _user_directive() -> str:
    # Started by root, nginx would give its workers to a user who may not enter this folder and
    # would never see the flag file. A normal user needs no such line.
    return "user root;" if os.getuid() == 0 else ""


def _gateway(layout: Layout) -> Program:
    command = [str(ROOT / "nginx" / "gateway" / "run.sh"), str(layout.gateway / "nginx.pid")]
    return Program(
        name="gateway",
        command=[*command, *gateway_command(layout)],
        directory=layout.gateway,
    )


def _nginx(layout: Layout) -> Program:
    return Program(
        name="nginx",
        command=[
            sys.executable,
            "-m",
            "teal.front_door",
            str(layout.nginx),
            *nginx_command(layout),
        ],
        directory=layout.nginx,
        environment={"PYTHONPATH": str(ROOT)},
        stop_signal="QUIT",
    )


def _rotate(layout: Layout) -> Program:
    return Program(
        name="rotate",
        command=[
            str(ROOT / "nginx" / "rotate.sh"),
            str(layout.access_log),
            str(layout.nginx / "parent.pid"),
            str(layout.nginx / "rotate"),
        ],
        directory=layout.log,
    )


def _pool(pool: str, settings: Settings) -> Program:
    return Program(
        name=pool,
        command=[sys.executable, "-m", "demo"],
        directory=ROOT / "apps",
        environment={
            "PORT": str(settings.port_of(pool)),
            "BIND": "127.0.0.1",
            "POOL": pool,
            "RELEASE": getattr(settings, f"{pool}_release"),
        },
        stop_seconds=35,
    )


def _inbox(settings: Settings, layout: Layout) -> Program:
    found = published(settings, "inbox")
    return Program(
        name="inbox",
        command=[sys.executable, "-m", "inbox"],
        directory=ROOT / "apps",
        environment={
            "PORT": str(settings.inbox_port),
            "BIND": BEHIND_GATEWAY,
            "HOSTS": ",".join([BEHIND_GATEWAY, *(found[:1] if found else ())]),
            "DATA_DIR": str(layout.inbox),
            "RUNBOOK_FILE": str(ROOT / "docs" / "runbook.md"),
        },
    )


def _exporter(settings: Settings, layout: Layout) -> Program:
    return Program(
        name="exporter",
        command=[sys.executable, "-m", "nginxlog_exporter"],
        directory=ROOT / "exporter",
        environment={
            "PYTHONPATH": str(ROOT / "exporter" / "src"),
            "NGINXLOG_FILE": str(layout.access_log),
            "NGINXLOG_FORMAT_FILE": str(ROOT / "nginx" / "templates" / "log.conf.template"),
            "NGINXLOG_POOLS": ",".join(
                f"{pool}={address}" for pool, address in pool_addresses(settings).items()
            ),
            "NGINXLOG_DESIRED_DIR": str(layout.desired),
            "NGINXLOG_STATE_FILE": str(layout.exporter / "state.json"),
            "NGINXLOG_LISTEN": f"{BEHIND_GATEWAY}:{settings.exporter_port}",
            "NGINXLOG_WEB_CONFIG_FILE": str(layout.web_config),
        },
    )


def _blackbox(settings: Settings, layout: Layout) -> Program:
    return Program(
        name="blackbox",
        command=[
            _server("prometheus-blackbox-exporter"),
            f"--config.file={ROOT / 'prometheus' / 'blackbox.yml'}",
            f"--web.config.file={layout.web_config}",
            f"--web.listen-address={BEHIND_GATEWAY}:{settings.blackbox_port}",
        ],
        directory=layout.directory,
    )


def _prometheus(settings: Settings, layout: Layout) -> Program:
    folder = layout.directory / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    # Its files name each other relative to the configuration: the repository's own files and this
    # stack's targets are brought together by links.
    for name, target in {
        "prometheus.yml": ROOT / "prometheus" / "prometheus.yml",
        "rules": ROOT / "prometheus" / "rules",
        "targets": layout.targets,
        "web": layout.web,
    }.items():
        _link(folder / name, target)
    has_grafana = settings.dashboard_url or grafana.executable()
    return Program(
        name="prometheus",
        command=[
            _server("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={settings.retention_time}",
            f"--storage.tsdb.retention.size={settings.retention_size}",
            f"--web.config.file={layout.web_config}",
            f"--web.listen-address={BEHIND_GATEWAY}:{settings.prometheus_port}",
            f"--web.external-url={settings.link('prometheus')}",
            "--web.route-prefix=/",
            # As in compose.yml, which says why.
            "--rules.alert.resend-delay=15s",
            # Always on since 3.0.
            "--enable-feature=expand-external-labels",
            *_prometheus_pages(),
        ],
        directory=folder,
        environment={
            "TEAL_STACK": settings.stack,
            "TEAL_RUNBOOK_URL": settings.runbook,
            "TEAL_DASHBOARD_URL": settings.dashboard
            if has_grafana
            else f"{settings.runbook}#without-grafana",
            # Debian's Alertmanager has no web page for silences.
            "TEAL_SILENCE_URL": f"{settings.runbook}#silence-an-alert",
        },
        stop_seconds=30,
    )


def _prometheus_pages() -> list[str]:
    """Return the flag by which Debian's Prometheus finds its pages; no other build has it."""
    folder = servers.prometheus_pages()
    return [f"--web.local-assets={folder}"] if folder else []


def _alertmanager(settings: Settings, layout: Layout) -> Program:
    data = layout.directory / "alertmanager"
    if templates := servers.default_templates():
        _link(layout.directory / servers.DEFAULT_TEMPLATES, templates)
    # Its path in the configuration is relative to that file.
    _link(layout.alertmanager.parent / "templates", ROOT / "alertmanager" / "templates")
    program = _server("prometheus-alertmanager")
    return Program(
        name="alertmanager",
        command=[
            program,
            f"--config.file={layout.alertmanager}",
            f"--storage.path={data}",
            f"--web.config.file={layout.web_config}",
            f"--web.listen-address={BEHIND_GATEWAY}:{settings.alertmanager_port}",
            f"--web.external-url={settings.link('alertmanager')}",
            "--web.route-prefix=/",
            # One Alertmanager: no cluster, no port 9094, no settling time.
            "--cluster.listen-address=",
            # As in compose.yml, which says why.
            "--data.maintenance-interval=5s",
            *start_delay(servers.version(Path(program))),
        ],
        # The secret's path in the configuration is relative to this.
        directory=layout.directory,
        stop_seconds=20,
    )


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)
