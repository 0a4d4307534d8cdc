"""The local way: which process each part is, with its command line and environment.

What containers get from compose.yml, plain processes get from here; the configuration files are the
same.
"""

import sys
from pathlib import Path

from teal.bootstrap import ROOT
from teal.clients.alertmanager import START_DELAY_SECONDS, START_DELAY_SINCE
from teal.processes import grafana
from teal.processes.nginx_place import gateway_command, nginx_command, pool_addresses
from teal.processes.program import Program
from teal.settings import Settings
from teal.stack import servers
from teal.stack.gateway import published
from teal.stack.layout import BEHIND_GATEWAY, Layout


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


def start_delay(alertmanager: tuple[int, ...]) -> list[str]:
    """Return the flag that keeps a fresh Alertmanager from speaking before it has heard everything.

    Debian 12's does not know it.
    """
    if alertmanager < START_DELAY_SINCE:
        return []
    return [f"--dispatch.start-delay={START_DELAY_SECONDS}s"]


# Private


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
            servers.needed("prometheus-blackbox-exporter"),
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
    return Program(
        name="prometheus",
        command=[
            servers.needed("prometheus"),
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
            "TEAL_DASHBOARD_URL": settings.dashboard_link(has_grafana=bool(grafana.executable())),
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
    program = servers.needed("prometheus-alertmanager")
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
