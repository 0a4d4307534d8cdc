"""What a user may set: `.env.example` holds every setting with its default, `.env` what differs.

A variable of the same name in the environment beats both. A wrong value is refused by name, with
what would be right.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from teal import envfile
from teal.bootstrap import HOME, ROOT
from teal.errors import SettingsError
from teal.paths import unusable

POOLS = ("blue", "green")
# HTTP_ADDR for every address of this machine.
EVERYWHERE = ("0.0.0.0", "[::]", "")  # noqa: S104 - compared with, not bound
# Whoever has one of these can write to your channel, or make silence look like health.
SECRETS = ("SLACK_WEBHOOK_URL", "HEARTBEAT_URL")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one stack, validated. Field names are those of `.env`, in lower case."""

    runtime: str
    stack: str
    blue_image: str
    green_image: str
    pool_port: str
    blue_release: str
    green_release: str
    pool_user: str
    pool_caps: str
    pool_read_only: str
    pool_writable: str
    pool_env_file: str
    pool_init: str
    pool_memory: str
    pool_shm: str
    pool_cpus: str
    pool_pids: int
    pool_start_seconds: int
    pool_stop_seconds: int
    health_path: str
    read_timeout: str
    pool_keepalive: str
    drain_timeout: str
    http_addr: str
    http_port: int
    blue_port: int
    green_port: int
    status_port: int
    exporter_port: int
    blackbox_port: int
    prometheus_port: int
    alertmanager_port: int
    inbox_port: int
    grafana_port: int
    slack_webhook_url: str
    heartbeat_url: str
    runbook_url: str
    dashboard_url: str
    prometheus_url: str
    alertmanager_url: str
    log_rotate_mb: int
    log_rotate_keep: int
    retention_time: str
    retention_size: str
    docker_subnet: str
    grafana: str

    # Where this stack keeps all it writes; `TEAL_DIR` gives tests a place of their own.
    directory: Path

    def port_of(self, pool: str) -> int:
        """Return the port at which this machine reaches a pool."""
        return {"blue": self.blue_port, "green": self.green_port}[pool]

    @property
    def front(self) -> str:
        """The address at which this machine itself reaches the front door."""
        host = "127.0.0.1" if self.http_addr in EVERYWHERE else self.http_addr
        return f"http://{host}:{self.http_port}"

    def url(self, part: str) -> str:
        """Return the loopback address of a part that has a port setting, such as `prometheus`."""
        return f"http://127.0.0.1:{getattr(self, part + '_port')}"

    def port_names(self) -> dict[int, str]:
        """Return the name of the setting that holds each port."""
        return {
            value: name.upper()
            for name, value in vars(self).items()
            if name.endswith("_port") and isinstance(value, int)
        }

    @property
    def uses_real_slack(self) -> bool:
        """Whether messages leave this machine."""
        return bool(self.slack_webhook_url)

    @property
    def runbook(self) -> str:
        """Where the runbook of an alert is found; `#name-of-the-alert` is added."""
        return self.runbook_url or f"{self.url('inbox')}/runbook"

    @property
    def dashboard(self) -> str:
        """Where the first dashboard is found."""
        return self.dashboard_url or f"{self.url('grafana')}/d/teal-overview"

    def dashboard_link(self, *, has_grafana: bool) -> str:
        """Return where a message's button leads: to what to do, where there is no dashboard."""
        if has_grafana or self.dashboard_url:
            return self.dashboard
        return f"{self.runbook}#without-grafana"

    def link(self, part: str) -> str:
        """Return where a message's buttons find Prometheus or Alertmanager; ends in a slash."""
        address: str = getattr(self, f"{part}_url") or self.url(part)
        return address.rstrip("/") + "/"

    def variables(self) -> dict[str, str]:
        """Return all settings but the secrets, under the names they have in `.env`."""
        shown = {k.upper(): str(v) for k, v in vars(self).items() if k != "directory"}
        return {name: value for name, value in shown.items() if name not in SECRETS}


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises SettingsError."""
    defaults = _read(ROOT / ".env.example")
    own = _read(Path(environment.get("TEAL_ENV_FILE", ROOT / ".env")))
    unknown = sorted(set(own) - set(defaults))
    if unknown:
        raise SettingsError(f".env: {unknown[0]} is no setting; .env.example lists all there are")
    values = {name: environment.get(name, own.get(name, defaults[name])) for name in defaults}
    fields = {name.lower(): _checked(name, value) for name, value in values.items()}
    directory = Path(environment.get("TEAL_DIR", HOME)).resolve()
    for folder in (ROOT, directory):
        if fault := unusable(folder):
            raise SettingsError(fault)
    settings = Settings(directory=directory, **fields)  # type: ignore[arg-type] # checked by name
    _refuse_shared_ports(settings)
    return settings


# Private

_CHOICES = {
    "RUNTIME": ("auto", "docker", "local"),
    "GRAFANA": ("on", "off"),
    "POOL_READ_ONLY": ("true", "false"),
    "POOL_INIT": ("true", "false"),
}
# https://github.com/distribution/reference: host:port/path:tag@sha256:digest.
_IMAGE = (
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?"
)
_IMAGE_MEANS = "an image such as registry.example.com/shop:1.4 or shop@sha256:<64 hex digits>"
_SIZE = r"[1-9][0-9]*[mg]"
_FOLDER = rf"/[\w@%+.-][\w@%+./-]*(:{_SIZE})?(:exec)?"
_USER = r"([a-z_][a-z0-9_.-]*\$?|[0-9]+)?((?<=.):([a-z_][a-z0-9_.-]*|[0-9]+))?"
# These are written into other programs' files: no character that means something there.
_URL = r"(https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]{1,5})?([/?#][\w./?#&=:@!~*()+,;%-]*)?)?"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_PATTERNS = {
    "STACK": (r"[a-z0-9][a-z0-9_-]*", "lower-case letters, digits, - and _"),
    "POOL_PORT": (r"([1-9][0-9]{0,4})?", "empty, or the port that both images listen on"),
    "HEALTH_PATH": (r"/[\w./?&=:@!~*()+,;%-]*", "a path such as /healthz"),
    "READ_TIMEOUT": (r"[1-9][0-9]*(ms|s|m|h)", "a time such as 5s"),
    "POOL_KEEPALIVE": (r"[1-9][0-9]*(ms|s|m)", "a time such as 500ms"),
    "DRAIN_TIMEOUT": (r"[1-9][0-9]*(s|m|h)", "a time such as 30s"),
    "RETENTION_TIME": (r"[1-9][0-9]*(h|d|w|y)", "a time such as 31d"),
    "RETENTION_SIZE": (r"[1-9][0-9]*(MB|GB|TB)", "a size such as 4GB"),
    "POOL_USER": (_USER, "empty, or a user's name or number (or user:group) such as 1000"),
    "POOL_WRITABLE": (
        rf"({_FOLDER}( +{_FOLDER})*)?",
        "empty, or folders such as /var/cache/app or /tmp:256m:exec, with a space between",
    ),
    "POOL_MEMORY": (_SIZE, "a size such as 512m"),
    "POOL_SHM": (_SIZE, "a size such as 64m"),
    "POOL_CPUS": (r"[0-9]+(\.[0-9]+)?", "a number of CPUs such as 1.5, or 0 for all"),
    "BLUE_IMAGE": (_IMAGE, _IMAGE_MEANS),
    "GREEN_IMAGE": (_IMAGE, _IMAGE_MEANS),
    "BLUE_RELEASE": (r"[\w.+-]{1,100}", "letters, digits and . _ + -"),
    "GREEN_RELEASE": (r"[\w.+-]{1,100}", "letters, digits and . _ + -"),
    "SLACK_WEBHOOK_URL": (_URL, "empty, or the https:// address of a webhook"),
    "HEARTBEAT_URL": (_URL, "empty, or an https:// address"),
    "RUNBOOK_URL": (_URL, "empty, or an address such as https://example.com/path"),
    "DASHBOARD_URL": (_URL, "empty, or an address such as https://example.com/path"),
    "PROMETHEUS_URL": (_URL, "empty, or an address such as https://example.com/path"),
    "ALERTMANAGER_URL": (_URL, "empty, or an address such as https://example.com/path"),
}
# What Linux knows (man 7 capabilities), without the CAP_ in front.
_CAPABILITIES = """
    AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
    DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN
    MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID
    SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE
    SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
"""
_WHOLE_NUMBERS = ("LOG_ROTATE_MB", "LOG_ROTATE_KEEP", "POOL_PIDS", "POOL_START_SECONDS")
_HIGHEST_PORT = 65535
# Room for the pools in the lower half, for all others in the upper one.
SMALLEST_SUBNET = 26


def _read(path: Path) -> dict[str, str]:
    try:
        return envfile.read(path)
    except envfile.EnvFileError as error:
        raise SettingsError(str(error)) from error


def _checked(name: str, value: str) -> str | int:
    value = value.strip()
    if name in _CHOICES and value not in _CHOICES[name]:
        raise _wrong(name, value, "one of " + ", ".join(_CHOICES[name]))
    if name in _PATTERNS:
        pattern, meaning = _PATTERNS[name]
        if not re.fullmatch(pattern, value, re.ASCII):
            raise _wrong(name, value, meaning)
    if name.endswith("_PORT") and name != "POOL_PORT":
        if not _WHOLE_NUMBER.fullmatch(value) or not 1 <= int(value) <= _HIGHEST_PORT:
            raise _wrong(name, value, f"a port from 1 to {_HIGHEST_PORT}")
        return int(value)
    if name in _READERS:
        return _READERS[name](value)
    if name in _WHOLE_NUMBERS or name == "POOL_STOP_SECONDS":
        least = 1 if name in _WHOLE_NUMBERS else 0
        if not _WHOLE_NUMBER.fullmatch(value) or int(value) < least:
            raise _wrong(name, value, f"a whole number from {least}")
        return int(value)
    return value


def _capabilities(value: str) -> str:
    names = [name.removeprefix("CAP_") for name in value.upper().replace(",", " ").split()]
    for name in names:
        if name not in _CAPABILITIES.split():
            right = "names of capabilities such as CHOWN, with a space between"
            raise _wrong("POOL_CAPS", name, right)
    return " ".join(names)


def _address(value: str) -> str:
    """Return an IPv4 address, or an IPv6 address in brackets; empty for all of both families."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        address = ipaddress.ip_address(bare) if bare else None
    except ValueError:
        address = None
    if value and (address is None or (address.version == 4) != (bare == value)):  # noqa: PLR2004
        raise _wrong(
            "HTTP_ADDR",
            value,
            "empty (every address of this machine), or an IP address such as 127.0.0.1 or [::1]",
        )
    return value


def _subnet(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        network = None
    if network is None or network.prefixlen > SMALLEST_SUBNET:
        raise _wrong(
            "DOCKER_SUBNET",
            value,
            f"a network such as 10.213.77.0/24, /{SMALLEST_SUBNET} or larger",
        )
    return value


_READERS = {"DOCKER_SUBNET": _subnet, "HTTP_ADDR": _address, "POOL_CAPS": _capabilities}


def _wrong(name: str, value: str, right: str) -> SettingsError:
    # A secret is not repeated, not even when it is wrong.
    shown = "its value" if name in SECRETS else repr(value)
    return SettingsError(f"{name}: {shown} is not valid; it must be {right}")


def _refuse_shared_ports(settings: Settings) -> None:
    seen: dict[int, str] = {}
    for name, value in vars(settings).items():
        if name.endswith("_port") and name != "pool_port":
            if value in seen:
                raise SettingsError(f"{seen[value].upper()} and {name.upper()} are both {value}")
            seen[value] = name
