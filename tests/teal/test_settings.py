"""Settings: defaults from `.env.example`, wrong values named, secrets never repeated."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from teal.errors import SettingsError
from teal.settings import load

ROOT = Path(__file__).resolve().parents[2]


def _load(tmp_path, text="", **environment):
    file = tmp_path / ".env"
    file.write_text(text)
    return load({"TEAL_ENV_FILE": str(file), **environment})


def test_every_default_stands_in_the_example(tmp_path):
    """Without a .env, what .env.example shows is what is used."""
    settings = _load(tmp_path)

    assert 8080 == settings.http_port
    assert "auto" == settings.runtime
    assert not settings.uses_real_slack


def test_every_setting_is_explained():
    """Each line of .env.example has a comment above it, its own or its group's."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"[A-Z_]+=", line):
            assert before.startswith("#") or "=" in before, line


def test_the_environment_beats_the_file(tmp_path):
    """So that one command can be tried with another value."""
    assert 9999 == _load(tmp_path, "HTTP_PORT=8888\n", HTTP_PORT="9999").http_port
    assert 8888 == _load(tmp_path, "HTTP_PORT=8888\n").http_port


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("HTTP_PORT=http", "HTTP_PORT: 'http' is not valid; it must be a port from 1 to 65535"),
        ("HTTP_PORT=70000", "must be a port from 1 to 65535"),
        ("RUNTIME=podman", "must be one of auto, docker, local"),
        ("READ_TIMEOUT=5", "READ_TIMEOUT: '5' is not valid; it must be a time such as 5s"),
        ("HEALTH_PATH=healthz", "it must be a path such as /healthz"),
        ("BLUE_RELEASE=v 1", "BLUE_RELEASE: 'v 1' is not valid"),
        ("HTPP_PORT=80", "HTPP_PORT is no setting; .env.example lists all there are"),
        ("GREEN_PORT=8081", "BLUE_PORT and GREEN_PORT are both 8081"),
        (
            "POOL_CAPS=CHOWN ROOT",
            "POOL_CAPS: 'ROOT' is not valid; it must be names of capabilities",
        ),
        ("POOL_USER=a b", "a user's name or number (or user:group) such as 1000"),
        ("POOL_WRITABLE=cache", "it must be empty, or folders such as /var/cache/app"),
        ("POOL_WRITABLE=/", "it must be empty, or folders such as /var/cache/app"),
        ("POOL_SHM=64", "POOL_SHM: '64' is not valid; it must be a size such as 64m"),
        ("POOL_CPUS=all", "it must be a number of CPUs such as 1.5, or 0 for all"),
        ("POOL_START_SECONDS=0", "it must be a whole number from 1"),
        ("POOL_INIT=no", "must be one of true, false"),
        ("BLUE_IMAGE=https://example.com/shop", "it must be an image such as registry.example"),
        ("BLUE_IMAGE=shop@sha256:12", "shop@sha256:<64 hex digits>"),
        ("HTTP_ADDR=10.0.0.300", "HTTP_ADDR: '10.0.0.300' is not valid; it must be empty"),
        ("HTTP_ADDR=::1", "HTTP_ADDR: '::1' is not valid"),
        ("HTTP_ADDR=[10.0.0.1]", "HTTP_ADDR: '[10.0.0.1]' is not valid"),
        ("HTTP_PORT=²", "HTTP_PORT: '²' is not valid"),
        ('RUNBOOK_URL=https://x/"y', "RUNBOOK_URL: "),
        ("BLUE_RELEASE=vé", "BLUE_RELEASE: 'vé' is not valid"),
        ("HTTP_PORT: 80", "line 1: HTTP_PORT is set with a colon"),
        ("LOG_ROTATE_MB=0", "LOG_ROTATE_MB: '0' is not valid; it must be a whole number from 1"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(tmp_path, line, words):
    """One line that tells what to change, and to what."""
    with pytest.raises(SettingsError, match=re.escape(words)):
        _load(tmp_path, line)


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "shop:1.4",
        "registry.example.com:5000/team/shop_api:v1.4-rc.1",
        f"shop@sha256:{'0a' * 32}",
        f"localhost:5000/shop:1.4@sha256:{'0a' * 32}",
    ],
)
def test_an_image_may_be_named_in_every_way(tmp_path, image):
    """By tag, by digest, by both, at any registry."""
    assert image == _load(tmp_path, BLUE_IMAGE=image).blue_image


def test_a_wrong_webhook_is_not_repeated(tmp_path):
    """Not even an error message shows the secret."""
    with pytest.raises(SettingsError) as error:
        _load(tmp_path, "SLACK_WEBHOOK_URL=hooks.slack.com/services/SECRET")

    assert "SLACK_WEBHOOK_URL" in str(error.value)
    assert "SECRET" not in str(error.value)


def test_the_webhook_is_not_among_the_variables(tmp_path):
    """What is handed to Compose holds no secret."""
    settings = _load(tmp_path, "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/SECRET\n")

    assert settings.uses_real_slack
    assert not any("SECRET" in value for value in settings.variables().values())


def test_secrets_are_not_among_the_variables(tmp_path):
    """Compose and the processes get every other setting."""
    settings = _load(
        tmp_path, "HEARTBEAT_URL=https://beat/secret\nSLACK_WEBHOOK_URL=https://s/secret\n"
    )

    assert "secret" not in str(settings.variables())
    assert "https://beat/secret" == settings.heartbeat_url


def test_a_wrong_secret_is_not_repeated(tmp_path):
    """Not even where it is wrong."""
    with pytest.raises(SettingsError) as error:
        _load(tmp_path, "HEARTBEAT_URL=secret\n")

    assert "HEARTBEAT_URL: its value is not valid" in str(error.value)
    assert "secret" not in str(error.value)


def test_buttons_lead_where_colleagues_can_go(tmp_path):
    """To this machine, until an address is set; always to one that a path can be added to."""
    assert "http://127.0.0.1:9090/" == _load(tmp_path).link("prometheus")
    settings = _load(tmp_path, "ALERTMANAGER_URL=https://alerts.example.com/am\n")
    assert "https://alerts.example.com/am/" == settings.link("alertmanager")
