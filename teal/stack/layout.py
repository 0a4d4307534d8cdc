"""What differs between the ways to run: folders and host names. No configuration file exists twice.

Everything a running stack writes lies under one folder, so that it can be looked at and removed.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from teal.settings import Settings

# Without containers: where parts listen that are behind the gateway. The gateway has the same ports
# of 127.0.0.1.
BEHIND_GATEWAY = "127.0.0.2"


@dataclass(frozen=True)
class Layout:
    """The folders of one stack under `directory`, on this machine."""

    directory: Path

    @property
    def log(self) -> Path:
        """nginx writes its access log here, the exporter reads it."""
        return self.directory / "log"

    @property
    def access_log(self) -> Path:
        """The log file itself; rotated ones are beside it."""
        return self.log / "access.log"

    @property
    def state(self) -> Path:
        """nginx reads what the operator declared here."""
        return self.directory / "state"

    @property
    def desired(self) -> Path:
        """A file `green` in this folder declares green the desired pool; none declares blue."""
        return self.state / "desired"

    @property
    def nginx(self) -> Path:
        """nginx's configuration, see `nginx`; as a plain process nginx runs here, too."""
        return self.directory / "nginx"

    @property
    def spool(self) -> Path:
        """nginx collects large request bodies here; what a crash leaves behind is removed."""
        return self.directory / "spool"

    @property
    def exporter(self) -> Path:
        """The exporter keeps its counters and its place in the log here."""
        return self.directory / "exporter"

    @property
    def inbox(self) -> Path:
        """The inbox keeps its messages here."""
        return self.directory / "inbox"

    @property
    def targets(self) -> Path:
        """Prometheus reads the addresses of the other parts from files here."""
        return self.directory / "targets"

    @property
    def secrets(self) -> Path:
        """The addresses that are secrets, in a folder that only its owner may open."""
        return self.directory / "secrets"

    @property
    def alertmanager(self) -> Path:
        """Alertmanager reads this configuration, beside its secrets."""
        return self.secrets / "alertmanager.yml"

    @property
    def grafana_password(self) -> Path:
        """Grafana's administrator has this password: random, made once."""
        return self.secrets / "grafana_admin_password"

    @property
    def pools(self) -> Path:
        """Compose reads here what is said of the two pools; it holds their environment."""
        return self.secrets / "pools.json"

    @property
    def web(self) -> Path:
        """The password of the monitoring, and what it is checked with; see `password`."""
        return self.secrets / "web"

    @property
    def password(self) -> Path:
        """The password itself, for who asks."""
        return self.web / "password"

    @property
    def web_config(self) -> Path:
        """The password's hash, for who is asked."""
        return self.web / "web.yml"

    @property
    def gateway(self) -> Path:
        """The gateway's configuration, filled in; see `teal.stack.gateway`."""
        return self.directory / "gateway"

    @property
    def private(self) -> tuple[Path, ...]:
        """Folders that hold what users sent, or that the parts write about it."""
        return (self.log, self.spool, self.exporter, self.inbox, self.directory / "output")

    @property
    def drill(self) -> Path:
        """This file stands while a drill runs; the exporter shows it (`NGINXLOG_DESIRED_DIR`)."""
        return self.desired / ".drill" / "running"

    def make(self, settings: Settings, *, hosts: dict[str, str], pools: dict[str, str]) -> None:
        """Make the folders and write what the parts are told through files.

        `hosts` names the host of each part as Prometheus and Alertmanager see it, `pools` the
        address and port of each pool.
        """
        nginx = (self.log, self.drill.parent, self.nginx, self.spool)
        for folder in (*nginx, self.exporter, self.inbox, self.targets):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        for name, groups in _targets(settings, hosts, pools).items():
            # JSON is YAML: no second serialiser is needed.
            write(self.targets / f"{name}.yml", json.dumps(groups, indent=2) + "\n")
        webhook = settings.slack_webhook_url or (
            f"http://{hosts['inbox']}:{settings.inbox_port}/services/local/inbox/webhook"
        )
        # In a container only Alertmanager is given these files, under another user: the files are
        # readable, the folder is not.
        write(self.secrets / "slack_webhook_url", webhook + "\n", mode=0o444)
        if not self.grafana_password.exists():
            write(self.grafana_password, secrets.token_urlsafe(24), mode=0o444)
        write(self.secrets / "heartbeat_url", settings.heartbeat_url + "\n", mode=0o444)


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write in place, because a mounted file is an inode; not where nothing changes."""
    if path.exists():
        if path.read_text() == text:
            return
        path.chmod(0o644)
    path.write_text(text)
    os.chmod(path, mode)  # noqa: PTH101 - not subject to the umask, unlike creation


# Private


def _targets(
    settings: Settings, hosts: dict[str, str], pools: dict[str, str]
) -> dict[str, list[dict[str, object]]]:
    def at(part: str) -> str:
        return f"{hosts[part]}:{getattr(settings, part + '_port')}"

    def scraped(part: str) -> dict[str, object]:
        if hosts[part] != BEHIND_GATEWAY:
            return {"targets": [at(part)]}
        # The address that a person can open, and that its series always had.
        seen_as = f"127.0.0.1:{getattr(settings, part + '_port')}"
        return {"targets": [at(part)], "labels": {"instance": seen_as}}

    def probe(url: str, **labels: str) -> dict[str, object]:
        return {"targets": [url], "labels": {**labels, "__blackbox__": at("blackbox")}}

    # A container listens at every address of its own; a process where HTTP_ADDR says.
    host = hosts["nginx"]
    front = (
        f"{settings.front}/healthz"
        if host == "127.0.0.1"
        else f"http://{host}:{settings.http_port}/healthz"
    )
    return {
        **{
            part: [scraped(part)] for part in ("exporter", "blackbox", "prometheus", "alertmanager")
        },
        "front": [probe(front)],
        "pools": [
            probe(f"http://{address}{settings.health_path}", pool=pool)
            for pool, address in pools.items()
        ],
    }
