"""A log that is not there yet, and a reader of it; a web configuration that is not served yet."""

from pathlib import Path

import pytest
from tailing import Reader
from webworld import Web, certificate, lock

from nginxlog_exporter.tail import draining
from nginxlog_exporter.web import server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a log that does not exist yet, in a folder whose name is a trap for patterns."""
    folder = tmp_path / "log[1]"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def reader(log: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Provide a reader that need not wait for nginx's workers to reopen their log."""
    monkeypatch.setattr(draining, "QUIET_SECONDS", 0.0)
    return Reader(log)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make them once: of the server, of an authority for clients, of one of these, of nobody's."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("tls", "clients", "stranger"):
        certificate(folder, name)
    certificate(folder, "one", "-CA", "clients.crt", "-CAkey", "clients.key")
    lock(folder / "tls.key", folder / "locked.key")
    return folder


@pytest.fixture
def web(tmp_path: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """Provide the certificates, and no server yet."""
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.02)
    return Web(tmp_path, certificates)
