"""The TLS section of a web configuration as Python's TLS can honour it; the rest is refused."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nginxlog_exporter.web.strict_yaml import WebConfigError

SECTION = "tls_server_config"
FILES = ("cert_file", "key_file", "client_ca_file")
KEYS = {
    **dict.fromkeys(FILES, str),
    "client_auth_type": str,
    "min_version": str,
    "max_version": str,
    "cipher_suites": list,
    "prefer_server_cipher_suites": bool,
}


def context(section: Mapping[str, Any], files: Mapping[str, Path]) -> ssl.SSLContext:
    """Return what the section asks for; `files` are its `FILES`. Raises WebConfigError."""
    for key in ("cert_file", "key_file"):
        if key not in files:
            raise _wrong(f"{key} is missing")
    for key, file in files.items():
        try:
            file.open("rb").close()
        except OSError as error:
            raise _wrong(f"{key} {file} cannot be read: {error.strerror}") from error
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = _one_of(section, "min_version", _VERSIONS, "TLS12")
    tls.maximum_version = _one_of(section, "max_version", _VERSIONS, "TLS13")
    if tls.minimum_version > tls.maximum_version:
        raise _wrong("min_version is above max_version")
    if "cipher_suites" in section:
        tls.set_ciphers(":".join(_suites(section["cipher_suites"])))
    if not section.get("prefer_server_cipher_suites", True):
        tls.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    certificate, private = files["cert_file"], files["key_file"]
    try:
        tls.load_cert_chain(certificate, private, _no_passphrase)
    except ssl.SSLError as error:
        raise _wrong(
            f"{certificate} and {private} are not a certificate and its key, as PEM: {error}"
        ) from error
    _verify_clients(tls, section, files.get("client_ca_file"))
    return tls


# Private

_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
# By the names that Go has for them; those of TLS 1.3 cannot be chosen, neither there nor here.
_SUITES = {
    f"TLS_ECDHE_{key}_WITH_{name}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for name, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    )
}


def _wrong(text: str) -> WebConfigError:
    return WebConfigError(f"{SECTION}: {text}")


def _one_of(section: Mapping[str, str], key: str, known: Mapping[str, Any], default: str) -> Any:  # noqa: ANN401
    value = section.get(key, default)
    if value not in known:
        raise _wrong(f"{key} {value} must be {' or '.join(known)}")
    return known[value]


def _verify_clients(
    tls: ssl.SSLContext, section: Mapping[str, Any], authority: Path | None
) -> None:
    mode = _one_of(section, "client_auth_type", _CLIENTS, "NoClientCert")
    if (mode == ssl.CERT_NONE) != (authority is None):
        raise _wrong("client_ca_file and a client_auth_type that verifies need each other")
    if authority:
        try:
            tls.load_verify_locations(authority)
        except ssl.SSLError as error:
            raise _wrong(f"client_ca_file {authority} has no certificate: {error}") from error
    tls.verify_mode = mode


def _no_passphrase() -> str:
    # Or OpenSSL would ask for it at the terminal.
    raise _wrong("key_file must not have a passphrase")


def _suites(names: list[object]) -> list[str]:
    for name in names:
        if str(name) not in _SUITES:
            raise _wrong(f"cipher_suites: {name} must be one of {', '.join(_SUITES)}")
    if not names:
        raise _wrong("cipher_suites is empty; leave it out")
    return [_SUITES[str(name)] for name in names]
