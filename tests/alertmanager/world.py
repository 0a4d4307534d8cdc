"""A real Alertmanager of either version with the shipped configuration, and the inbox as its Slack.

Alerts go in as Prometheus posts them, messages come out as Slack gets them. Time can be compressed:
all the timers of the routes are divided by a factor; the 10 s that a delivery has at least are not.
"""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from fix_stack import free_ports
from slack_inbox import Inbox
from versions import program

from teal.clients.alertmanager import Alertmanager
from teal.clients.http import is_healthy
from teal.processes.programs import programs, start_delay
from teal.settings import load
from teal.stack import alertmanager_config, servers
from teal.stack.layout import Layout, write
from teal.wait import wait_for

READY_LIMIT_SECONDS = 20
FUTURE = timedelta(hours=1)


class World:
    """One Alertmanager and one inbox; a context manager."""

    def __init__(self, version, *, faster=1, heartbeat_url=""):
        self.folder = Path(tempfile.mkdtemp(prefix="teal-am-"))
        self.faster = faster
        self.inbox = Inbox(self.folder)
        self.program = program(version)
        (port,) = free_ports(1)
        nothing = self.folder / "no.env"
        nothing.touch()
        self.settings = load(
            {
                "TEAL_ENV_FILE": str(nothing),
                "TEAL_DIR": str(self.folder),
                "ALERTMANAGER_PORT": str(port),
                "SLACK_WEBHOOK_URL": f"{self.inbox.url}/services/local/inbox/webhook",
                "HEARTBEAT_URL": heartbeat_url,
            }
        )
        self.url = self.settings.url("alertmanager")
        self.client = Alertmanager(self.url)
        self.layout = Layout(self.folder / "local")
        self.layout.make(self.settings, hosts=defaultdict(lambda: "127.0.0.1"), pools={})
        alertmanager_config.write_configuration(
            self.settings, self.layout, version=servers.version(self.program)
        )
        if faster != 1:
            compress(self.layout.alertmanager, faster)
        part = next(p for p in programs(self.settings, self.layout) if p.name == "alertmanager")
        # As `make up` starts this version.
        self.flags = [*part.command[1:], *start_delay(servers.version(self.program))]
        self.flags = list(dict.fromkeys(self.flags))
        # No gateway stands in front of this one.
        self.flags = [f for f in self.flags if not f.startswith(("--web.config", "--web.listen"))]
        self.flags.append(f"--web.listen-address=127.0.0.1:{port}")
        assert "--data.maintenance-interval=5s" in self.flags
        self.log = self.folder / "alertmanager.log"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.inbox.close()
        shutil.rmtree(self.folder)

    def start(self, *, delay=False):
        """Start Alertmanager as `make up` does; without its start delay, unless it is wanted."""
        templates = self.layout.directory / servers.DEFAULT_TEMPLATES
        own = self.program.parents[1] / "share" / "prometheus" / "alertmanager"
        if own.exists():
            templates.unlink(missing_ok=True)
            templates.symlink_to(own)
        flags = [f for f in self.flags if delay or "start-delay" not in f]
        if self.faster != 1:
            flags = [re.sub(r"(interval|delay)=(\d+)s$", _a_fifth, f) for f in flags]
        self.process = subprocess.Popen(
            [str(self.program), *flags],
            cwd=self.layout.directory,
            stdout=subprocess.DEVNULL,
            stderr=self.log.open("ab"),
        )
        wait_for(
            lambda: is_healthy(f"{self.url}/-/ready"),
            what="Alertmanager",
            seconds=READY_LIMIT_SECONDS,
        )

    def stop(self, *, hard=False):
        """End Alertmanager; `hard` is kill -9."""
        if self.process is None:
            return
        self.process.kill() if hard else self.process.terminate()
        self.process.wait(timeout=20)
        self.process = None

    def post(self, *alerts):
        """Hand over alerts, as Prometheus does."""
        url = f"{self.url}/api/v2/alerts"
        requests.post(url, json=alerts, timeout=5).raise_for_status()

    def webhook(self, address):
        """Have messages go elsewhere from now on."""
        write(self.layout.secrets / "slack_webhook_url", address + "\n")

    def broken_template(self, text):
        """Add a template to the shipped ones and load it."""
        link = self.layout.secrets / "templates"
        shipped = link.resolve()
        link.unlink()
        link.mkdir()
        for path in shipped.glob("*.tmpl"):
            shutil.copy(path, link)
        (link / "zz.tmpl").write_text(text)
        requests.post(f"{self.url}/-/reload", timeout=5).raise_for_status()

    def get(self, path):
        """Return what Alertmanager answers."""
        return requests.get(self.url + path, timeout=5).text

    def metric(self, name, **labels):
        """Return the sum of a metric of Alertmanager over the series with these labels."""
        text = requests.get(f"{self.url}/metrics", timeout=5).text
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if re.match(rf"{name}[{{ ]", line) and all(each in line for each in wanted)
        )

    def told(self, stack):
        """Return what was told of a stack, in order: `state alertname`."""
        return [
            f"{m['state']} {name}"
            for m in self.inbox.messages()
            for of, name in [m["payload"]["attachments"][0]["footer"].split(" · ")]
            if of == stack
        ]

    def wait_until_told(self, stack, *wanted, seconds):
        """Wait for exactly these messages; others fail the test at once or by the limit."""
        with contextlib.suppress(Exception):
            wait_for(lambda: len(self.told(stack)) >= len(wanted), what="messages", seconds=seconds)
        assert list(wanted) == self.told(stack)


def _a_fifth(match):
    return f"{match[1]}={int(match[2]) // 5}s"


def compress(configuration, factor):
    """Divide all timers of the routes by a factor."""

    def shorter(match):
        unit = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}[match[3]]
        value = int(match[2]) * unit // factor
        return f"{match[1]}: {value}ms"

    text = configuration.read_text()
    text = re.sub(r"(group_wait|group_interval|repeat_interval): (\d+)(ms|s|m|h)\b", shorter, text)
    configuration.chmod(0o644)
    configuration.write_text(text)


def alert(name, *, stack, severity="critical", category="pool", ended=False, texts=None, **labels):
    """Return an alert as Prometheus posts it: it began now; `ended` resolves it."""
    now = datetime.now(UTC)
    ends = now if ended else now + FUTURE
    texts = {"summary": f"{name} of {stack}", "description": "Numbers."} if texts is None else texts
    return {
        "labels": {
            "alertname": name,
            "stack": stack,
            "severity": severity,
            "category": category,
            **labels,
        },
        "annotations": texts,
        # The same for every post, or Alertmanager takes it for another firing of the alert.
        "startsAt": (now - timedelta(milliseconds=50)).isoformat(),
        "endsAt": ends.isoformat(),
        "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up",
    }


def ended(firing):
    """Return the same alert, resolved now."""
    return {**firing, "endsAt": datetime.now(UTC).isoformat()}


class Clock:
    """Seconds since the start of a test."""

    def __init__(self):
        self._began = time.time()

    def now(self):
        """Return them."""
        return time.time() - self._began

    def of(self, message):
        """Return when a message came."""
        return message["received"] - self._began
