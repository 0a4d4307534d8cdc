"""TLS and basic authentication as Prometheus exporters have it, and that an edit opens no door."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest
import requests
from fix_stack import cannot_run
from loglines import FORMAT_FILE

from nginxlog_exporter import cli, webconfig
from nginxlog_exporter.access import Access
from nginxlog_exporter.serve import Answer, serving
from nginxlog_exporter.settings import Address
from nginxlog_exporter.webconfig import WebConfigError
from teal import packages

GOOD = "a password"
HASH = bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
USERS = f"basic_auth_users: {{prometheus: '{HASH}'}}\n"
DOCUMENT = Path(__file__).parents[2] / "docs" / "web-config.md"


def certificate(folder: Path, name: str = "tls") -> Path:
    """Make a certificate for 127.0.0.1, and its key beside it; return the certificate."""
    if shutil.which("openssl") is None:
        cannot_run("openssl is missing")
    path = folder / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / f"{name}.key", "-out", path],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return path


def written(folder: Path, text: str) -> Path:
    """Write the configuration so that it is seen to have changed; return its path."""
    new = folder / "new.yml"
    new.write_text(text)
    return new.rename(folder / "web.yml")


@contextmanager
def server(path: Path | None) -> Iterator[str]:
    """Serve a page with this configuration; give its address without a scheme."""
    routes = {"/": lambda _: Answer(b"counters\n")}
    with serving(Address("127.0.0.1", 0), routes, Access(path)) as address:
        yield f"{address}/"


def test_with_a_certificate_only_tls_is_spoken(tmp_path: Path) -> None:
    """And the certificate is the one that is named, relative to the file."""
    trusted = certificate(tmp_path)
    with server(written(tmp_path, TLS)) as address:
        assert requests.get(f"https://{address}", verify=trusted, timeout=5).text == "counters\n"
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{address}", timeout=5)


@pytest.mark.parametrize(
    "credentials",
    [None, ("prometheus", "wrong"), ("prometheus", ""), ("nobody", GOOD), ("prometheus", "x" * 99)],
)
def test_without_the_password_nothing_is_told(
    tmp_path: Path, credentials: tuple[str, str] | None
) -> None:
    """401, and how to do better; the right password is let in before and after."""
    with server(written(tmp_path, USERS)) as address:
        for _ in range(2):
            answer = requests.get(f"http://{address}", auth=credentials, timeout=5)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Basic"
            assert "counters" not in answer.text
            right = requests.get(f"http://{address}", auth=("prometheus", GOOD), timeout=5)
            assert right.text == "counters\n"


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic Zm9v", "Bearer x", "Basic é"])
def test_nonsense_for_a_password_is_refused(tmp_path: Path, header: str) -> None:
    """And raises nothing."""
    access = Access(written(tmp_path, USERS))

    assert not access.allows(header)


def test_an_unknown_user_is_checked_like_a_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time of the answer tells which users there are."""
    checked = []
    monkeypatch.setattr("bcrypt.checkpw", lambda password, _: bool(checked.append(password)))
    access = Access(written(tmp_path, USERS))
    for user in ("prometheus", "nobody"):
        access.allows(requests.auth._basic_auth_str(user, user))

    assert checked == [b"prometheus", b"nobody"]


def test_a_password_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bcrypt is slow on purpose, and Prometheus asks every second."""
    access = Access(written(tmp_path, USERS))
    header = requests.auth._basic_auth_str("prometheus", GOOD)
    assert access.allows(header)
    monkeypatch.delattr("bcrypt.checkpw")

    assert access.allows(header)


def test_a_new_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    """As renewed every few weeks."""
    first = certificate(tmp_path)
    with server(written(tmp_path, TLS)) as address:
        requests.get(f"https://{address}", verify=first, timeout=5)
        second = certificate(tmp_path)
        assert requests.get(f"https://{address}", verify=second, timeout=5).ok


def test_a_changed_password_holds_at_once(tmp_path: Path) -> None:
    """The old one is of no use any more."""
    access = Access(written(tmp_path, USERS))
    header = requests.auth._basic_auth_str("prometheus", GOOD)
    assert access.allows(header)
    other = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
    written(tmp_path, f"basic_auth_users: {{prometheus: '{other}'}}\n")

    assert not access.allows(header)
    assert access.allows(requests.auth._basic_auth_str("prometheus", "another"))


def test_a_wrong_edit_opens_no_door(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last good file stays in force, which is said once; a right one is taken over."""
    access = Access(written(tmp_path, USERS))
    written(tmp_path, "basic_auth_users: {}\nbasic_auth_user: {}\n")
    for _ in range(3):
        assert not access.allows(None)
    assert ["'basic_auth_user' is unknown" in text for text in caplog.messages] == [True]
    (tmp_path / "web.yml").unlink()
    assert not access.allows(None)
    written(tmp_path, "")

    assert access.allows(None)


def test_a_client_that_says_nothing_holds_up_nobody(tmp_path: Path) -> None:
    """The handshake belongs to its connection."""
    trusted = certificate(tmp_path)
    with server(written(tmp_path, TLS)) as address:
        host, port = address.strip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=5):
            assert requests.get(f"https://{address}", verify=trusted, timeout=5).ok


def test_more_connections_than_a_few_are_hung_up(tmp_path: Path) -> None:
    """The reader needs files to open; who is served already stays so."""
    with server(None) as address:
        host, port = address.strip("/").split(":")
        with requests.Session() as session:
            session.get(f"http://{address}", timeout=5)
            silent = [socket.create_connection((host, int(port)), timeout=5) for _ in range(110)]
            # The last ones read the end of the connection instead of waiting.
            assert silent[-1].recv(1) == b""
            assert session.get(f"http://{address}", timeout=5).ok
        for one in silent:
            one.close()


def test_clients_need_a_certificate_if_it_says_so(tmp_path: Path) -> None:
    """`RequireAndVerifyClientCert`, the way of the careful."""
    trusted, client = certificate(tmp_path), certificate(tmp_path, "client")
    path = written(
        tmp_path,
        "tls_server_config: {cert_file: tls.crt, key_file: tls.key, client_ca_file: client.crt,"
        " client_auth_type: RequireAndVerifyClientCert, min_version: TLS13}\n",
    )
    with server(path) as address:
        url = f"https://{address}"
        with pytest.raises(requests.ConnectionError):
            requests.get(url, verify=trusted, timeout=5)
        cert = str(client), str(client.with_suffix(".key"))
        assert requests.get(url, verify=trusted, cert=cert, timeout=5).ok


def test_old_tls_is_refused(tmp_path: Path) -> None:
    """TLS 1.2 is the least, unless the file says otherwise."""
    certificate(tmp_path)
    found = webconfig.load(written(tmp_path, TLS))
    assert found.tls

    assert found.tls.minimum_version == ssl.TLSVersion.TLSv1_2


def test_headers_are_sent_with_each_answer(tmp_path: Path) -> None:
    """Also with refusals; HEAD gets them without a body; nobody learns which Python runs."""
    path = written(tmp_path, "http_server_config: {headers: {X-Frame-Options: deny}}\n" + USERS)
    with server(path) as address:
        refused = requests.get(f"http://{address}", timeout=5)
        head = requests.head(f"http://{address}", auth=("prometheus", GOOD), timeout=5)

    assert refused.headers["X-Frame-Options"] == head.headers["X-Frame-Options"] == "deny"
    assert (head.headers["Content-Length"], head.content) == ("9", b"")
    assert head.headers["Server"].strip() == "nginxlog-exporter"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "the file must be a mapping"),
        ("tls_server_config: 1", "tls_server_config must be a mapping"),
        ("tls_server_config: {cert_file: a}", "lacks key_file"),
        ("tls_server_config: {cert_file: a, key_file: b}", "No such file"),
        (TLS + "tls: {}", "'tls' is unknown"),
        (TLS.replace("}", ", min_version: SSL3}"), "must be one of TLS10"),
        (TLS.replace("}", ", cipher_suites: [x]}"), "cipher_suites is not supported"),
        (TLS.replace("}", ", client_auth_type: RequestClientCert}"), "must be one of NoClientCert"),
        (TLS.replace("}", ", client_ca_file: tls.crt}"), "must be set together"),
        (TLS.replace("}", ", verify: 1}"), "'verify' is unknown in tls_server_config"),
        ("http_server_config: {headers: {Server: x}}", "'Server' cannot be set"),
        ("http_server_config: {headers: {X-Frame-Options: 1}}", "must be one line of text"),
        ("basic_auth_users: {me: secret}", "no bcrypt hash"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_a_wrong_file_is_refused_with_what_would_be_right(
    tmp_path: Path, text: str, said: str
) -> None:
    """Nothing is ignored: what is not understood might have been meant to protect."""
    certificate(tmp_path)
    with pytest.raises(WebConfigError, match=said) as refused:
        webconfig.load(written(tmp_path, text))

    assert str(tmp_path / "web.yml") in str(refused.value)


@pytest.mark.parametrize("also", [[], ["--check-config"]])
def test_a_wrong_file_stops_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], also: list[str]
) -> None:
    """Exit code 2, as for every wrong setting, and the customary flag."""
    path = written(tmp_path, "nothing: known\n")
    flags = {"file": tmp_path / "a.log", "format-file": FORMAT_FILE, "web.config.file": path}
    arguments = [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    state = ["--state-file", str(tmp_path / "state.json")]

    assert cli.main([*arguments, *state, *also]) == 2
    assert "'nothing' is unknown; remove it" in capsys.readouterr().err


def test_the_documented_example_is_right(tmp_path: Path) -> None:
    """For us, and for Prometheus' own check of such files."""
    certificate(tmp_path)
    text = DOCUMENT.read_text().split("```yaml\n")[1].split("```")[0]
    path = written(tmp_path, text)
    assert list(webconfig.load(path).users) == ["prometheus"]
    promtool = packages.find("promtool")
    if promtool is None:
        cannot_run("promtool is missing: make check fetches it")
    command = [promtool, "check", "web-config", path]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
