"""Who gets an answer: passwords, certificates, and room for those who really ask."""

import contextlib
import http.client
import socket
import ssl

import pytest
import requests
from webworld import LIMIT_SECONDS, PATHS, RIGHT, TLS, USERS, Web, basic, hashed

from nginxlog_exporter.web import server
from nginxlog_exporter.web.connections import Connections
from nginxlog_exporter.web.web_config import load


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
def test_everything_asks_for_the_password(web: Web, path: str) -> None:
    """Also the page and the checks; whether a path exists is told to nobody else."""
    with web.serving(TLS + USERS):
        assert 401 == web.status(path)
        assert (404 if path == "/nothing" else 200) == web.status(path, RIGHT)


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic cHJvbWV0aGV1cw==", "Bearer secret", "Basic \xff"],
)
def test_what_is_no_password_is_refused(web: Web, authorization: str) -> None:
    """401, and how to do better; never an error."""
    with web.serving(USERS):
        answer = requests.get(
            f"http://127.0.0.1:{web.port}/metrics",
            headers={"Authorization": authorization.encode("latin-1")},
            timeout=LIMIT_SECONDS,
        )

    assert (401, b"unauthorized\n") == (answer.status_code, answer.content)
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "auth", [("prometheus", "wrong"), ("prometheus", ""), ("nobody", "secret"), ("", "")]
)
def test_a_wrong_password_costs_a_check_each_time(web: Web, auth: tuple[str, str]) -> None:
    """And so does an unknown name: the time tells nobody which names there are."""
    with web.serving(USERS):
        users, checked = counting(web)
        first, second = users.admit(basic(auth)), users.admit(basic(auth))

    assert (False, False, 2) == (first, second, len(checked))


def test_a_right_password_costs_a_check_once(web: Web) -> None:
    """Prometheus comes four times a minute."""
    with web.serving(USERS):
        users, checked = counting(web)
        admitted = [users.admit(basic(RIGHT)) for _ in range(3)]

    assert ([True] * 3, 1) == (admitted, len(checked))
    assert "secret" not in repr(vars(users))


def test_a_long_password_is_cut_as_bcrypt_does(web: Web) -> None:
    """The 72 bytes that its hash was made of decide; it is no error."""
    long = "x" * 100
    web.write(f"basic_auth_users: {{a: '{hashed(long[:72])}'}}")
    users = load(web.file).users

    assert users.admit(basic(("a", long)))


def test_plain_http_is_refused_where_tls_is_on(web: Web) -> None:
    """No answer at all; the next one with TLS has its own."""
    with web.serving(TLS):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{web.port}/metrics", timeout=LIMIT_SECONDS)

        assert 200 == web.status()


def test_clients_need_a_certificate_of_the_authority(web: Web) -> None:
    """None, or one that somebody else made, does not get in."""
    verified = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.crt"
    with web.serving(TLS.replace("}", verified + "}")):
        for shown in (None, "stranger"):
            pair = tuple(str(web.folder / f"{shown}.{kind}") for kind in ("crt", "key"))
            with pytest.raises(requests.ConnectionError):
                web.status(cert=pair if shown else None)

        own = tuple(str(web.folder / f"one.{kind}") for kind in ("crt", "key"))
        assert 200 == web.status(cert=own)
        web.write(TLS)
        with pytest.raises(requests.ConnectionError):
            web.status()


def test_versions_and_suites_are_those_that_are_set(web: Web) -> None:
    """A client that is below, or has none of them, is refused."""
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    old = web.client(maximum_version=ssl.TLSVersion.TLSv1_2)
    with web.serving(TLS.replace("}", f", cipher_suites: [{suite}]}}")):
        with web.connect(old) as connection:
            assert "ECDHE-ECDSA-AES256-GCM-SHA384" == connection.cipher()[0]
        web.write(TLS.replace("}", ", min_version: TLS13}"))
        with pytest.raises(ssl.SSLError):
            web.connect(old)
        with web.connect(web.client()) as connection:
            assert "TLSv1.3" == connection.version()


@pytest.mark.parametrize("text", [TLS, USERS], ids=["tls", "plain"])
def test_clients_that_say_nothing_keep_nobody_out(web: Web, text: str) -> None:
    """More of them than there is room for: who waits longest is sent away, the next one served."""
    with web.serving(text), contextlib.ExitStack() as silent:
        connections = [
            silent.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            for _ in range(server.MAX_CONNECTIONS + 3)
        ]
        if text == TLS:
            assert 200 == web.status()
        else:
            url = f"http://127.0.0.1:{web.port}/"
            assert 200 == requests.get(url, auth=RIGHT, timeout=LIMIT_SECONDS).status_code
        for connection in connections[:4]:
            connection.settimeout(LIMIT_SECONDS)
            assert b"" == connection.recv(1)


def test_a_client_that_never_agrees_is_sent_away(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for the handshake is short, and as a whole: single bytes do not stretch it."""
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", 0.1)
    with (
        web.serving(TLS),
        socket.create_connection(("127.0.0.1", web.port), timeout=LIMIT_SECONDS) as client,
    ):
        client.sendall(b"\x16")
        with contextlib.suppress(ConnectionResetError):
            assert b"" == client.recv(1)


def test_a_connection_that_is_worked_for_is_kept() -> None:
    """Only one that waits for its client makes room."""
    connections = Connections(1)
    (ours, client), (other, _other_client) = socket.socketpair(), socket.socketpair()
    with ours, client, other, _other_client:
        assert connections.admit(ours)
        with connections.busy(ours):
            assert not connections.admit(other)
        assert connections.admit(other)
        client.settimeout(LIMIT_SECONDS)
        assert b"" == client.recv(1)
        connections.leave(other)
        assert connections.admit(ours)


def test_head_and_headers(web: Web) -> None:
    """HEAD is GET without the body; the headers that are set are sent, Python's version is not."""
    headers = "http_server_config: {headers: {X-Frame-Options: deny, X-XSS-Protection: ''}}"
    with web.serving(headers):
        kept = http.client.HTTPConnection("127.0.0.1", web.port, timeout=LIMIT_SECONDS)
        kept.request("HEAD", "/metrics")
        answer = kept.getresponse()
        assert (200, b"") == (answer.status, answer.read())
        assert "5" == answer.headers["Content-Length"]
        assert "deny" == answer.headers["X-Frame-Options"]
        assert "X-XSS-Protection" not in answer.headers
        assert "nginxlog-exporter" == answer.headers["Server"]
        kept.request("GET", "/metrics")
        assert b"fine\n" == kept.getresponse().read()


def test_a_body_is_not_taken_for_the_next_request(web: Web) -> None:
    """One request, one answer, and the connection ends."""
    body = b"GET /metrics HTTP/1.1\r\n\r\n"
    with (
        web.serving("http_server_config: {http2: false}"),
        socket.create_connection(("127.0.0.1", web.port), timeout=LIMIT_SECONDS) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(4096):
                received += part

    assert 1 == received.count(b"HTTP/1.1 200")


def counting(web: Web):
    """Return the users and a list that grows with each bcrypt check."""
    users, checked = load(web.file).users, []
    check = users._check
    users._check = lambda *arguments: checked.append(1) or check(*arguments)
    return users, checked
