"""--web.config.file: what is wrong is refused, and no mistake opens the door while it runs."""

import http.client
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from fix_stack import cannot_run
from loglines import line
from webworld import LIMIT_SECONDS, RIGHT, TLS, USERS, Web, basic, certificate

from nginxlog_exporter import cli
from nginxlog_exporter.web import tls, web_config
from nginxlog_exporter.web.web_config import WebConfigError, load
from teal.stack import servers

ROOT = Path(__file__).parents[2]


def test_a_renewed_certificate_is_shown_at_once(web: Web) -> None:
    """Without a restart, to the next connection; an older one ends at its next request."""
    with web.serving(TLS):
        kept = http.client.HTTPSConnection("127.0.0.1", web.port, context=web.client())
        kept.request("GET", "/metrics")
        assert b"fine\n" == kept.getresponse().read()
        certificate(web.folder, "tls")

        shown = ssl.get_server_certificate(("127.0.0.1", web.port), timeout=LIMIT_SECONDS)
        assert (web.folder / "tls.crt").read_text() == shown
        kept.request("GET", "/metrics")
        with pytest.raises(http.client.RemoteDisconnected):
            kept.getresponse()
        assert 200 == web.status()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a mapping"),
        ("# nothing yet\n", "must be a mapping"),
        (TLS, "basic authentication would end"),
        (USERS, "TLS would end"),
        ("http_server_config: {http2: false}", "TLS and basic authentication would end"),
        (TLS + "basic_auth_users: {}", "must have users"),
        (TLS + "basic_auth_users: {prometheus: secret}", "no bcrypt hash"),
        (TLS + USERS + "basic_auth_user: {}", "basic_auth_user is unknown"),
        (TLS.replace("tls.crt", "none.crt") + USERS, "none.crt cannot be read"),
        ("tls_server_config: [", "is not YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_edit_does_not_open_the_door(
    web: Web, caplog: pytest.LogCaptureFixture, text: str | None, said: str
) -> None:
    """What held before stays in force, and the mistake is said once."""
    with web.serving(TLS + USERS):
        if text is None:
            web.file.unlink()
        else:
            web.write(text)

        assert [401, 200, 401] == [web.status(), web.status(auth=RIGHT), web.status()]
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{web.port}/", auth=RIGHT, timeout=LIMIT_SECONDS)
        errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert [True] == [said in error for error in errors], errors

        web.write(TLS + USERS.replace("prometheus", "other"))
        assert [401, 200] == [web.status(auth=RIGHT), web.status(auth=("other", "secret"))]


def test_a_mistake_put_right_in_another_file_is_seen(web: Web) -> None:
    """The certificate that the new configuration names comes later than the configuration."""
    with web.serving(TLS):
        web.write(TLS.replace("tls.", "new."))
        assert 200 == web.status()
        certificate(web.folder, "new")

        shown = ssl.get_server_certificate(("127.0.0.1", web.port), timeout=LIMIT_SECONDS)
        assert (web.folder / "new.crt").read_text() == shown


def test_tls_that_is_switched_on_ends_plain_connections(web: Web) -> None:
    """More protection needs no restart, and no old connection escapes it."""
    with web.serving(USERS):
        kept = http.client.HTTPConnection("127.0.0.1", web.port, timeout=LIMIT_SECONDS)
        kept.request("GET", "/metrics", headers={"Authorization": basic(RIGHT)})
        assert b"fine\n" == kept.getresponse().read()
        web.write(TLS + USERS)

        kept.request("GET", "/metrics", headers={"Authorization": basic(RIGHT)})
        with pytest.raises(http.client.RemoteDisconnected):
            kept.getresponse()
        assert 200 == web.status(auth=RIGHT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a mapping of some of tls_server_config"),
        ("- tls", "must be a mapping"),
        ("tls: {}", "tls is unknown; it must be one of tls_server_config"),
        ("rate_limit: {burst: 1}", "rate_limit is not supported"),
        ("tls_server_config:", "tls_server_config must be a mapping"),
        ("tls_server_config: {key_file: tls.key}", "cert_file is missing"),
        ("tls_server_config: {cert_file: tls.crt}", "key_file is missing"),
        ("tls_server_config: {cert_file: tls.key, key_file: tls.key}", "not a certificate and its"),
        (
            "tls_server_config: {cert_file: tls.crt, key_file: stranger.key}",
            "not a certificate and",
        ),
        ("tls_server_config: {cert_file: tls.crt, key_file: locked.key}", "not have a passphrase"),
        ('tls_server_config: {cert_file: "\\0", key_file: tls.key}', "null"),
        (TLS.replace("}", ", cert: x}"), "cert is not supported; name a file in cert_file"),
        (TLS.replace("}", ", min_version: TLS10}"), "min_version TLS10 must be TLS12 or TLS13"),
        (TLS.replace("}", ", min_version: TLS13, max_version: TLS12}"), "is above max_version"),
        (TLS.replace("}", ", client_auth_type: RequireAnyClientCert}"), "must be NoClientCert or"),
        (TLS.replace("}", ", client_auth_type: VerifyClientCertIfGiven}"), "need each other"),
        (TLS.replace("}", ", client_ca_file: tls.crt}"), "need each other"),
        (TLS.replace("}", ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}"), "must be one of TLS_EC"),
        (TLS.replace("}", ", cipher_suites: [[1]]}"), "must be one of TLS_EC"),
        (TLS.replace("}", ", cipher_suites: []}"), "leave it out"),
        (TLS.replace("}", ", prefer_server_cipher_suites: 1}"), "must be true or false"),
        (TLS + TLS, "tls_server_config is there twice"),
        ("basic_auth_users: {a: secret}", "what a has is no bcrypt hash"),
        ("basic_auth_users: {1: secret}", "1 must be a text"),
        ("basic_auth_users: {}", "must have users"),
        ("http_server_config: {http2: true}", "http2 is not supported"),
        ("http_server_config: {headers: {X-Frame-Options: allow}}", "must be deny or sameorigin"),
        ("http_server_config: {headers: {X-Other: a}}", "X-Other is unknown"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}', "must be one line"),
    ],
)
def test_a_wrong_file_is_refused(web: Web, text: str, said: str) -> None:
    """By its name and the key, with what would be right."""
    web.write(text)

    with pytest.raises(WebConfigError, match=re.escape(said)) as refused:
        load(web.file)
    assert str(refused.value).startswith(f"{web.file}: ")


@pytest.mark.parametrize("also", [[], ["--check-config"]])
def test_a_wrong_file_ends_the_start_with_two(
    web: Web, capsys: pytest.CaptureFixture[str], also: list[str]
) -> None:
    """One line that names the setting; nothing is served."""
    web.write("tls: {}")
    flags = {"--file": "a", "--format": "$status", "--web.config.file": str(web.file)}
    code = cli.main([*also, *(word for flag in flags.items() for word in flag)])
    lines = capsys.readouterr().err.splitlines()

    assert (2, 1) == (code, len(lines))
    assert f"NGINXLOG_WEB_CONFIG_FILE {web.file}: tls is unknown" in lines[0]


def test_the_check_says_what_protects(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    """So that nobody has to guess what the file does."""
    web.write(TLS + USERS)
    common = ["--file", "a", "--format", "$status $request_method", "--check-config"]
    code = cli.main([*common, "--web.config.file", str(web.file)])

    assert 0 == code
    assert "protected by TLS, basic authentication\n" in capsys.readouterr().out


def test_the_running_exporter_is_protected(web: Web) -> None:
    """The real process, by its flag; it says that it speaks https."""
    log, messages = web.folder / "access.log", web.folder / "messages"
    log.write_bytes(line())
    web.write(TLS + USERS)
    with messages.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "nginxlog_exporter", "--web.config.file", "web.yml",
             "--listen", "127.0.0.1:0", "--file", str(log), "--format", "$request_method $status"],
            cwd=web.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "exporter" / "src")},
            stderr=stderr,
        )  # fmt: skip
    try:
        address = re.compile(r"-> https://127\.0\.0\.1:(\d+)/")
        wait_for(lambda: address.search(messages.read_text()), "the address it listens at")
        web.port = int(address.search(messages.read_text())[1])
        assert [401, 200] == [web.status(), web.status(auth=RIGHT)]
    finally:
        process.terminate()
        assert 0 == process.wait(LIMIT_SECONDS)


def wait_for(happened: Callable[[], object], what: str) -> None:
    """Wait until it is true. Fails after the limit, saying what was waited for."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited {LIMIT_SECONDS:g} s for {what}"
        time.sleep(0.01)


DOCUMENTED = re.findall(
    r"```yaml\n(# (?:web|prometheus)\.yml.*?)```",
    (ROOT / "docs" / "web-config.md").read_text(),
    re.DOTALL,
)


@pytest.mark.parametrize("text", DOCUMENTED, ids=lambda text: text.splitlines()[0])
def test_the_documented_examples_are_right(web: Web, text: str) -> None:
    """Prometheus' own tool accepts each of them, and so do we."""
    promtool = servers.find("promtool")
    if promtool is None:
        cannot_run("promtool is missing: make check fetches it")
    (web.folder / "password").write_text("secret")
    web.write(text)
    if "web.yml" in text:
        assert load(web.file).protections
    checked = subprocess.run(
        [promtool, "check", "web-config" if "web.yml" in text else "config", web.file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, True) == (checked.returncode, "SUCCESS" in checked.stdout), checked.stdout


def test_each_key_is_documented() -> None:
    """In the table, by its name."""
    page = (ROOT / "docs" / "web-config.md").read_text()
    keys = [*tls.KEYS, *tls._VERSIONS, *tls._CLIENTS, *web_config._SECTIONS]
    keys += [*web_config._HTTP, *web_config._HEADERS]
    assert [] == [key for key in keys if f"`{key}`" not in page]
    assert 3 == len(DOCUMENTED)
