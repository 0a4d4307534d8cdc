"""A web configuration with its certificates, and a server that follows it."""

import base64
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import requests
from fix_stack import cannot_run

from nginxlog_exporter.web.server import Address, HttpResponse, Routes, serving
from nginxlog_exporter.web.web_config import WebFile

PATHS = ("/", "/metrics", "/-/healthy", "/-/ready")
ROUTES: Routes = {path: lambda _: HttpResponse(b"fine\n") for path in PATHS}
LIMIT_SECONDS = 10.0


def hashed(password: str) -> str:
    """Hash it at the lowest cost there is."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


RIGHT = ("prometheus", "secret")
TLS = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
# The hash of "secret", at the lowest cost there is: a constant, as it names tests.
USERS = (
    "basic_auth_users: {prometheus: $2b$04$2Tlx4neIb7S3SJ6KQFIs0.pDpJJ2kc87CakBvxgRN9law21YVMHJG}\n"
)


def certificate(folder: Path, name: str, *options: str) -> None:
    """Make `name.crt` and `name.key`, good for 127.0.0.1; it signs itself if nobody else does."""
    if shutil.which("openssl") is None:
        cannot_run("openssl is missing")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", f"{name}.key", "-out", f"{name}.crt", *options],
        cwd=folder, check=True, capture_output=True, timeout=LIMIT_SECONDS,
    )  # fmt: skip


def lock(key: Path, locked: Path) -> None:
    """Give a copy of the key a passphrase."""
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked],
        check=True, capture_output=True, timeout=LIMIT_SECONDS,
    )  # fmt: skip


def basic(auth: tuple[str, str]) -> str:
    """Return the header of these credentials."""
    return "Basic " + base64.b64encode(":".join(auth).encode()).decode()


class Web:
    """A folder with a certificate and a web configuration, and a server that follows it."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        self.folder = folder
        shutil.copytree(certificates, folder, dirs_exist_ok=True)
        self.file = folder / "web.yml"
        self.port = 0

    @contextlib.contextmanager
    def serving(self, text: str, routes: Routes = ROUTES) -> Iterator["Web"]:
        """Serve by this configuration."""
        self.write(text)
        with serving(Address("127.0.0.1", 0), routes, WebFile(self.file)) as address:
            self.port = address.port
            yield self

    def write(self, text: str) -> None:
        """Replace the configuration."""
        new = self.folder / "web.yml.new"
        new.write_text(text)
        new.replace(self.file)

    def status(
        self, path: str = "/metrics", auth: tuple[str, str] | None = None, **options: object
    ) -> int:
        """Ask over TLS, by a new connection; return the status."""
        url = f"https://127.0.0.1:{self.port}{path}"
        options = {"verify": self.folder / "tls.crt", **options}
        return requests.get(url, auth=auth, timeout=LIMIT_SECONDS, **options).status_code

    def client(self, **limits: ssl.TLSVersion) -> ssl.SSLContext:
        """Return what a client needs to trust the server."""
        context = ssl.create_default_context(cafile=self.folder / "tls.crt")
        for name, value in limits.items():
            setattr(context, name, value)
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Connect; raises ssl.SSLError if the two cannot agree."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_SECONDS)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")
