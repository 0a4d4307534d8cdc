"""The local way: which process each part is, with its command line and environment.

What containers get from compose.yml, plain processes get from here; the configuration files are the
same.
"""

import os
import sys
from pathlib import Path

from teal import grafana, packages
from teal.bootstrap import ROOT, SetupError
from teal.gateway import BEHIND, Place, published
from teal.layout import BEHIND_GATEWAY, Layout
from teal.program import Program
from teal.settings import POOLS, Settings
from teal.templates import fill_in

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
        _rotate(settings, layout),
    ]
    server = grafana.program(settings, layout)
    return [*everything, server] if server else everything


def pool_addresses(settings: Settings) -> dict[str, str]:
    """Return the address and port of each pool."""
    return {pool: f"127.0.0.1:{settings.port_of(pool)}" for pool in POOLS}


def render_nginx(settings: Settings, layout: Layout) -> bool:
    """Fill in nginx's templates, as the image's own entrypoint does in a container.

    Return whether anything is different from before.
    """
    folder = _nginx_folder(layout)
    values = {
        "NGINX_USER_DIRECTIVE": _user_directive(),
        "NGINX_RUN_DIR": str(folder),
        "LOG_DIR": str(layout.log),
        "STATE_DIR": str(layout.state),
        "BLUE_ADDR": pool_addresses(settings)["blue"],
        "GREEN_ADDR": pool_addresses(settings)["green"],
        "HTTP_LISTEN": f"{settings.http_addr}:{settings.http_port}",
        "STATUS_LISTEN": f"{BEHIND_GATEWAY}:{settings.status_port}",
        # As in containers, although here a pool's own port says as much.
        "BLUE_DIRECT": f"{BEHIND_GATEWAY}:{settings.blue_port}",
        "GREEN_DIRECT": f"{BEHIND_GATEWAY}:{settings.green_port}",
        "INSIDE": "127.0.0.0/8",
        "READ_TIMEOUT": settings.read_timeout,
    }
    return fill_in(ROOT / "nginx" / "templates", folder, values)


def gateway_place(settings: Settings, layout: Layout) -> Place:
    """Return where the gateway stands: on the ports of 127.0.0.1, before the same of 127.0.0.2."""
    return Place(
        listen="127.0.0.1",
        run=str(layout.gateway),
        this_machine=("127.0.0.0/8",),
        parts={part: f"{BEHIND_GATEWAY}:{getattr(settings, f'{part}_port')}" for part in BEHIND},
        user=_user_directive(),
    )


def gateway_command(layout: Layout) -> list[str]:
    """Return the command line that runs the gateway."""
    folder = layout.gateway
    return [_server("nginx"), "-e", "stderr", "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def nginx_command(layout: Layout) -> list[str]:
    """Return the command line that runs the rendered nginx configuration."""
    folder = _nginx_folder(layout)
    return [_server("nginx"), "-e", "stderr", "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def start_delay(alertmanager: tuple[int, ...]) -> list[str]:
    """Return the flag that keeps a fresh Alertmanager from speaking before it has heard everything.

    Debian 12's does not know it.
    """
    return ["--dispatch.start-delay=15s"] if alertmanager >= _START_DELAY_SINCE else []


# Private


def _server(command: str) -> str:
    found = packages.find(command)
    if found is None:
        raise SetupError(f"{command} is missing; `make up` fetches it")
    return str(found)


def _user_directive() -> str:
    # Started by root, nginx would give its workers to a user who may not enter this folder and
    # would never see the flag file. A normal user needs no such line.
    return "user root;" if os.getuid() == 0 else ""


def _nginx_folder(layout: Layout) -> Path:
    return layout.directory / "nginx"


def _nginx(layout: Layout) -> Program:
    folder = _nginx_folder(layout)
    return Program(
        name="nginx",
        command=[
            str(ROOT / "nginx" / "run.sh"),
            str(folder / "nginx.pid"),
            *nginx_command(layout),
        ],
        directory=folder,
        stop_signal="QUIT",
        stop_seconds=35,
    )


def _gateway(layout: Layout) -> Program:
    command = [str(ROOT / "nginx" / "run.sh"), str(layout.gateway / "nginx.pid")]
    return Program(
        name="gateway",
        command=[*command, *gateway_command(layout)],
        directory=layout.gateway,
    )


def _rotate(settings: Settings, layout: Layout) -> Program:
    return Program(
        name="rotate",
        command=[
            str(ROOT / "nginx" / "rotate.sh"),
            str(layout.access_log),
            str(_nginx_folder(layout) / "nginx.pid"),
            str(settings.log_rotate_mb),
            str(settings.log_rotate_keep),
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
    folder = packages.prometheus_pages()
    return [f"--web.local-assets={folder}"] if folder else []


def _alertmanager(settings: Settings, layout: Layout) -> Program:
    data = layout.directory / "alertmanager"
    if templates := packages.default_templates():
        _link(layout.directory / packages.DEFAULT_TEMPLATES, templates)
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
            *start_delay(packages.version(Path(program))),
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
