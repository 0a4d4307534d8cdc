"""The file of `--web.config.file`: TLS, passwords and headers, as all Prometheus exporters have it.

The file and the certificates it names are read again when they change. A file that is wrong, or
would end a protection, is not taken over: the last good one stays in force. What Python's TLS
cannot do as it is meant is refused, by name.
"""

import logging
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nginxlog_exporter.web import strict_yaml, tls
from nginxlog_exporter.web.auth import HASH, Users
from nginxlog_exporter.web.strict_yaml import WebConfigError, mapping

log = logging.getLogger(__name__)

# Inode, time and size of a file; None if it is not there.
Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """What the file asks for."""

    tls: ssl.SSLContext | None = None
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # The file itself and those that it names, as they were just before they were read.
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)

    @property
    def protections(self) -> list[str]:
        """What keeps others out, in words."""
        verifies = self.tls is not None and self.tls.verify_mode == ssl.CERT_REQUIRED
        there = {
            "TLS": self.tls,
            "client certificates": verifies,
            "basic authentication": self.users,
        }
        return [name for name, is_there in there.items() if is_there]


class WebFile:
    """A file that is read again when it changes. Raises WebConfigError if it is wrong at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._config = load(path)
        # What is wrong with the file as it is now.
        self._wrong = ""

    def current(self) -> WebConfig:
        """Return what holds now: the last state of the file that was good."""
        with self._lock:
            # Also true as long as it is wrong: it is not what was taken over.
            if any(_stamp(path) != seen for path, seen in self._config.stamps.items()):
                self._read_again()
            return self._config

    def _read_again(self) -> None:
        try:
            config = load(self._path)
            _must_protect(config, self._config.protections, self._path)
        except WebConfigError as error:
            if str(error) != self._wrong:
                log.error("%s; what held before stays in force", error)  # noqa: TRY400 - all is said
            self._wrong = str(error)
        else:
            self._config, self._wrong = config, ""
            log.info("%s was read again", self._path)


def load(path: Path) -> WebConfig:
    """Read the file. Raises WebConfigError."""
    try:
        return _load(path)
    except (WebConfigError, OSError, ValueError, RecursionError) as error:
        raise WebConfigError(f"{path}: {error}") from error


# Private

_SECTIONS = {tls.SECTION: dict, "http_server_config": dict, "basic_auth_users": dict}
_HTTP = {"http2": bool, "headers": dict}
# Header: what it may say; anything printable where it is None.
_HEADERS = {
    "Content-Security-Policy": None,
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": None,
}


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _load(path: Path) -> WebConfig:
    stamps = {path: _stamp(path)}
    document = mapping(strict_yaml.read(path), "", _SECTIONS)
    context = None
    if tls.SECTION in document:
        section = mapping(document[tls.SECTION], tls.SECTION, tls.KEYS)
        files = {key: path.parent / section[key] for key in tls.FILES if key in section}
        stamps |= {file: _stamp(file) for file in files.values()}
        context = tls.context(section, files)
    return WebConfig(
        tls=context,
        users=_users(document.get("basic_auth_users")),
        headers=_headers(document.get("http_server_config")),
        stamps=stamps,
    )


def _must_protect(config: WebConfig, protections: list[str], path: Path) -> None:
    """Refuse what lacks one of these: an editor may have written half of the file."""
    lost = [protection for protection in protections if protection not in config.protections]
    if lost:
        raise WebConfigError(f"{path}: {' and '.join(lost)} would end, which takes a restart")


def _users(hashes: Mapping[object, object] | None) -> Users | None:
    if hashes is None:
        return None
    if not hashes:
        raise WebConfigError("basic_auth_users must have users; leave it out to ask for none")
    users = {}
    for name, hashed in hashes.items():
        if not isinstance(name, str) or ":" in name:
            raise WebConfigError(f"basic_auth_users: {name} must be a text without a colon")
        if not isinstance(hashed, str) or not HASH.fullmatch(hashed):
            raise WebConfigError(
                f"basic_auth_users: what {name} has is no bcrypt hash, such as htpasswd -nB writes"
            )
        users[name] = hashed
    return Users(users)


def _headers(value: object) -> dict[str, str]:
    if value is None:
        return {}
    section = mapping(value, "http_server_config", _HTTP)
    if section.get("http2"):
        raise WebConfigError("http_server_config: http2 is not supported; leave it out")
    known = dict.fromkeys(_HEADERS, str)
    if "headers" not in section:
        return {}
    headers = mapping(section["headers"], "http_server_config: headers", known)
    for name, text in headers.items():
        right = _HEADERS[name]
        if right and text and text.lower() not in right:
            raise WebConfigError(
                f"http_server_config: headers: {name} must be {' or '.join(right)}"
            )
        if not re.fullmatch(r"[ -~]*", text):
            raise WebConfigError(f"http_server_config: headers: {name} must be one line of ASCII")
    return {name: text for name, text in headers.items() if text}
