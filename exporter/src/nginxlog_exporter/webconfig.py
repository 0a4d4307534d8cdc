"""TLS, headers and basic authentication from a file, as all Prometheus exporters have it.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

Limits: what Python's ssl cannot do as it is meant there is refused, never ignored (cipher_suites,
curve_preferences, client certificates that are asked for but not verified). HTTP/2 is not spoken.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADERS = (
    *("Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options"),
    *("X-Frame-Options", "X-XSS-Protection"),
)
_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}", re.ASCII)


class WebConfigError(Exception):
    """The file cannot be used; the text names it and says what would be right."""


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """What the file says. `files`: itself and what it names, all of which may change."""

    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # User -> bcrypt hash; empty: everybody is let in.
    users: Mapping[str, bytes] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def load(path: Path) -> WebConfig:
    """Read the file and the certificates it names. Raises WebConfigError."""
    import yaml  # noqa: PLC0415 - only who has such a file needs it

    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = _Section("", {} if sections is None else sections)
        tls = found.section("tls_server_config")
        http = found.section("http_server_config")
        users = found.section("basic_auth_users")
        found.end()
        context, files = _tls(tls, path.parent) if tls else (None, ())
        return WebConfig(
            tls=context,
            headers=_headers(http) if http else {},
            users=_users(users) if users else {},
            files=(path, *files),
        )
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WebConfigError(f"{path}: {error}") from error


# Private


class _Section:
    """A part of the file whose keys are taken one by one; one that is left is unknown."""

    def __init__(self, name: str, content: object) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"{name or 'the file'} must be a mapping of keys to values")  # noqa: TRY004 - it is the value that is wrong
        self._name = name
        self._left: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as the file has it
        return self._left.pop(key, default)

    def rest(self) -> dict[str, Any]:
        left, self._left = self._left, {}
        return left

    def section(self, key: str) -> "_Section | None":
        content = self.take(key)
        return None if content is None else _Section(key, content)

    def end(self) -> None:
        if self._left:
            where = f" in {self._name}" if self._name else ""
            raise ValueError(f"{min(map(str, self._left))!r} is unknown{where}; remove it")


def _tls(section: _Section, folder: Path) -> tuple[ssl.SSLContext, tuple[Path, ...]]:
    # Paths are relative to the file.
    names = {name: section.take(name) for name in ("cert_file", "key_file", "client_ca_file")}
    files = {name: folder / str(value) for name, value in names.items() if value}
    for name in ("cert_file", "key_file"):
        if name not in files:
            raise ValueError(f"tls_server_config lacks {name}")
    for name in ("cipher_suites", "curve_preferences", "client_allowed_sans"):
        if section.take(name):
            raise ValueError(f"{name} is not supported; remove it, min_version: TLS13 is strictest")
    section.take("prefer_server_cipher_suites")  # always so
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _one_of(_VERSIONS, section, "min_version", "TLS12")
    context.maximum_version = _one_of(_VERSIONS, section, "max_version", "TLS13")
    verify = _one_of(_CLIENT_AUTH, section, "client_auth_type", "NoClientCert")
    section.end()
    if (verify == ssl.CERT_NONE) != ("client_ca_file" not in files):
        raise ValueError("client_auth_type and client_ca_file must be set together")
    for file in files.values():
        file.read_bytes()  # an error that names the file
    context.load_cert_chain(files["cert_file"], files["key_file"])
    if "client_ca_file" in files:
        context.load_verify_locations(files["client_ca_file"])
    context.verify_mode = verify
    return context, tuple(files.values())


def _one_of(values: Mapping[str, Any], section: _Section, key: str, default: str) -> Any:  # noqa: ANN401 - as the mapping has it
    name = section.take(key, default)
    if name not in values:
        raise ValueError(f"{key}: {name!r} is not valid; it must be one of {', '.join(values)}")
    return values[name]


def _headers(section: _Section) -> dict[str, str]:
    section.take("http2")  # not spoken, whatever it says
    headers = section.section("headers")
    section.end()
    found = headers.rest() if headers else {}
    for name, value in found.items():
        if name not in HEADERS:
            raise ValueError(f"header {name!r} cannot be set; only {', '.join(HEADERS)}")
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError(f"header {name!r} must be one line of text")
    return found


def _users(section: _Section) -> dict[str, bytes]:
    users = section.rest()
    for user, hashed in users.items():
        if not isinstance(hashed, str) or not _BCRYPT.fullmatch(hashed):
            raise ValueError(
                f"basic_auth_users: the password of {user!r} is no bcrypt hash; make one with:"
                " htpasswd -nBC 10 '' | tr -d ':'"
            )
    return {str(user): hashed.encode() for user, hashed in users.items()}
