"""`make slack-test`, the dead man's switch and broken templates, on the real Alertmanager."""

import argparse
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from versions import VERSIONS
from world import World, alert

from teal.clients.alertmanager import Alertmanager
from teal.commands import slack_test
from teal.stack import delivery, message_check
from teal.stack.alertmanager_config import SOURCE
from teal.wait import wait_for

pytestmark = pytest.mark.timeout(120)

SECRET = "T000SECRET/B000SECRET/abcdefghijklmnopqrstuvwx"  # noqa: S105 - made up


class Runtime:
    """What the command asks for Alertmanager's log."""

    def __init__(self, world):
        self._log = world.log

    def output(self, *_, **__):
        """Return all of it."""
        return self._log.read_text().splitlines()


@pytest.fixture(scope="module", params=VERSIONS)
def world(request):
    """Return a running Alertmanager whose Slack is the inbox."""
    with World(request.param) as running:
        yield running


@pytest.fixture
def slack_tested(world, monkeypatch, capsys):
    """Return a function that runs `make slack-test` and returns its code and what it said."""

    def run():
        monkeypatch.setattr(slack_test, "choose", lambda _: Runtime(world))
        # It was started without the delay.
        monkeypatch.setattr(Alertmanager, "speaks_in", lambda _: 0.0)
        code = slack_test.run(world.settings, argparse.Namespace())
        return code, capsys.readouterr().out

    yield run
    world.inbox.calm()
    world.webhook(f"{world.inbox.url}/services/local/inbox/webhook")


def test_a_message_that_slack_took_is_said_so(world, slack_tested):
    """And twice is two messages, not a repetition that is kept back."""
    first, second = slack_tested(), slack_tested()

    assert [0, 0] == [first[0], second[0]]
    assert first[1].startswith("Slack took the test message, number ")
    numbers = [said.split("number ")[1].split(":")[0] for _, said in (first, second)]
    told = " ".join(m["payload"]["attachments"][0]["title"] for m in world.inbox.messages())
    assert all(number in told for number in numbers)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("403", "An administrator of the workspace does not allow this webhook to post."),
        ("404", "The webhook's channel does not exist any more. Make a new webhook."),
        ("429", "Too many messages: Slack takes one a second. Alertmanager tries again by itself."),
    ],
)
def test_what_slack_refuses_is_said_in_words(world, slack_tested, kind, words):
    """With Slack's own, for a search; and the test is not sent again later."""
    before = len(world.inbox.messages())
    world.inbox.trouble(kind)

    code, said = slack_tested()

    assert 1 == code
    assert said.startswith(f"Slack did not take the test message. {words} (Slack's answer: {kind} ")
    world.inbox.calm()
    after = alert("FrontDoorDown", stack=f"after{kind}", category="outage")
    world.post(after)
    world.wait_until_told(f"after{kind}", "firing FrontDoorDown", seconds=20)
    assert before + 1 == len(world.inbox.messages())


@pytest.mark.parametrize("kind", ["500", "hang", "gone"])
def test_a_slack_that_cannot_be_reached_is_said_in_words(world, slack_tested, kind):
    """Within its time limit, and without the webhook's address."""
    words = {
        "500": "Slack itself has trouble",
        "hang": "No answer came in time",
        "gone": "The webhook does not exist, or was switched off.",
    }
    if kind in ("500", "hang"):
        world.inbox.trouble(kind)
    if kind == "gone":
        world.webhook(f"{world.inbox.url}/services/{SECRET}/more")
    code, said = slack_tested()

    assert 1 == code
    assert words[kind] in said
    assert SECRET not in said + world.log.read_text()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("unexpected status code 403: invalid_token", "was revoked. Make a new one."),
        ("unexpected status code 410: channel_is_archived", "is archived."),
        ("unexpected status code 400: invalid_attachments", "a template is broken."),
        ("unexpected status code 302: <html>", "leads elsewhere"),
        ("unexpected status code 503", "status.slack.com"),
        ("unexpected status code 418: teapot", "Slack refused it. (Slack's answer: 418 teapot)"),
        ("x509: certificate signed by unknown authority", "is not trusted"),
        ("something new", "something new"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "Nothing listens"),
        ("lookup nowhere.invalid on 10.0.0.1:53: no such host", "is not found"),
    ],
)
def test_an_error_is_said_in_words(error, words):
    """Slack's words and the network's."""
    assert words in delivery.in_words(f'slack-test/slack[0]: channel "": {error}')


class Switch:
    """A dead man's switch that answers as such services do: `OK`, which Slack would not."""

    def __init__(self):
        self.beats = []
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                switch.beats.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"OK")

            def log_message(self, *_):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_dead_mans_switch_is_called_again_and_again(version):
    """Once a minute, here sixty times as fast; its address is in no log, API or configuration."""
    switch = Switch()
    with World(version, faster=60, heartbeat_url=switch.url) as world:
        world.post(alert("Watchdog", stack="s", severity="none", category="meta"))
        wait_for(lambda: len(switch.beats) >= 3, what="three beats", seconds=20)

        assert {f"/{SECRET}"} == set(switch.beats)
        assert [] == world.inbox.messages()
        assert 0 == world.metric("alertmanager_notification_requests_failed_total")
        shown = world.log.read_text() + world.get("/api/v2/status") + world.get("/metrics")
        assert SECRET not in shown
        assert SECRET not in world.layout.alertmanager.read_text()
        assert 0o700 == world.layout.secrets.stat().st_mode & 0o777
    switch.server.shutdown()


@pytest.mark.parametrize("version", VERSIONS)
def test_without_an_address_there_is_no_beat(version):
    """And no failure."""
    with World(version) as world:
        world.post(alert("Watchdog", stack="s", severity="none", category="meta"))
        world.post(alert("FrontDoorDown", stack="s", category="outage"))
        world.wait_until_told("s", "firing FrontDoorDown", seconds=10)

        assert 0 == world.metric("alertmanager_notification_requests_failed_total")
        assert world.layout.alertmanager.read_text() == SOURCE.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_broken_template_is_noticed(version):
    """0.25 drops the message, 0.33 sends an empty one, which the inbox refuses: a failure."""
    with World(version, faster=5) as world:
        world.broken_template('{{ define "teal.text" }}{{ .Nothing }}{{ end }}')
        world.post(alert("PoolFailover", stack="s"))
        wait_for(
            lambda: world.metric("alertmanager_notifications_failed_total", integration="slack"),
            what="the failure to be counted",
            seconds=20,
        )

        assert [] == world.told("s")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('{{ define "teal.text" }}{{ .Nothing }}{{ end }}', "Nothing"),
        ('{{ define "teal.text" }}{{ .CommonLabels.nothing }}{{ end }}', "renders to nothing"),
        ('{{ define "teal.text" }}{{ (index .Alerts 1).Status }}{{ end }}', "index"),
        ('{{ define "teal.text" }}{{ if }}{{ end }}', "if"),
    ],
)
def test_make_check_finds_a_broken_template(tmp_path, wrong, words):
    """Before Alertmanager loads it."""
    for path in message_check.TEMPLATES.glob("*.tmpl"):
        shutil.copy(path, tmp_path)
    (tmp_path / "zz.tmpl").write_text(wrong)

    assert any(words in fault for fault in message_check.broken(tmp_path))
    assert [] == message_check.broken()
