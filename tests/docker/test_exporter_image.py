"""The exporter's image by itself: `docker run` for any nginx, without the rest of Teal."""

import json
import re
import subprocess
import uuid
from pathlib import Path

import pytest
import requests

from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

FOLDER = Path(__file__).resolve().parents[2] / "exporter"
IMAGE = "teal-test-exporter"
COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
    ' "$http_referer" "$http_user_agent"'
)
LINE = '10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8"\n'
LOG_GROUP = "4"  # adm, whose files nginx's logs are on Debian


class Exporter:
    """Containers of the image, one after the other, for one log and one volume."""

    def __init__(self, folder, docker):
        self._docker = docker
        self.name = f"teal-test-{uuid.uuid4().hex[:8]}"
        self.log = folder / "access.log"

    def start(self, *more):
        """Run it as the exporter's README says, and wait until it is ready."""
        self._docker(
            "run", "--detach", "--name", self.name, "--read-only", "--cap-drop", "ALL",
            "--group-add", LOG_GROUP, "--publish", "127.0.0.1::9117",
            "--volume", f"{self.log.parent}:/var/log/nginx:ro",
            "--volume", f"{self.name}:/var/lib/exporter",
            "--env", "NGINXLOG_FILE=/var/log/nginx/access.log",
            "--env", f"NGINXLOG_FORMAT={COMBINED}", *more, IMAGE,
        )  # fmt: skip
        address = self._docker("port", self.name, "9117/tcp").split()[0]
        self._url = f"http://{address}"
        wait_for(self._is_ready, what="the exporter to be ready", seconds=20)

    def counted(self):
        """Return how many requests it has counted."""
        text = requests.get(f"{self._url}/metrics", timeout=5).text
        return sum(map(float, re.findall(r"\nnginxlog_http_responses_total{.*} (.*)", text)))

    def inspect(self):
        """Return what the engine knows of the container."""
        return json.loads(self._docker("inspect", self.name))[0]

    def stop(self):
        """Stop it as the engine does by default, remove it, return its exit code."""
        self._docker("stop", "--time", "10", self.name)
        code = self.inspect()["State"]["ExitCode"]
        self._docker("rm", self.name)
        return code

    def remove(self):
        """Leave nothing behind."""
        for command in (["rm", "--force", self.name], ["volume", "rm", "--force", self.name]):
            subprocess.run(["docker", *command], capture_output=True, check=False, timeout=60)

    def _is_ready(self):
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False


@pytest.fixture(scope="module", autouse=True)
def _image(docker):
    docker("build", "--quiet", "--tag", IMAGE, str(FOLDER), limit=240)
    yield
    docker("rmi", "--force", IMAGE)


@pytest.fixture
def exporter(tmp_path, docker):
    """Return an exporter for a log that only nginx and the group of logs may read."""
    one = Exporter(tmp_path, docker)
    tmp_path.chmod(0o755)
    one.log.write_text(LINE * 3)
    subprocess.run(["chgrp", LOG_GROUP, one.log], check=True, timeout=5)
    one.log.chmod(0o640)
    yield one
    one.remove()


def test_a_log_that_is_mounted_read_only_is_counted(exporter):
    """What is there, and what is added."""
    exporter.start()
    wait_for(lambda: exporter.counted() == 3, what="three requests", seconds=10)
    with exporter.log.open("a") as log:
        log.write(LINE * 2)

    wait_for(lambda: exporter.counted() == 5, what="five requests", seconds=10)


def test_it_runs_without_any_privilege(exporter, docker):
    """No root, a root that is read-only, no capability; and the engine can tell that it is well."""
    exporter.start("--health-interval", "1s")

    assert "65532" == docker("exec", exporter.name, "id", "-u").strip()
    assert "0000000000000000" in docker("exec", exporter.name, "grep", "CapEff", "/proc/1/status")
    wait_for(
        lambda: exporter.inspect()["State"]["Health"]["Status"] == "healthy",
        what="the container to be healthy",
        seconds=20,
    )


def test_an_exporter_that_does_not_answer_is_unhealthy(exporter, docker):
    """The check of the image is one."""
    exporter.start("--health-interval", "1s", "--health-retries", "1", "--health-start-period", "0")
    wait_for(
        lambda: exporter.inspect()["State"]["Health"]["Status"] == "healthy",
        what="the container to be healthy",
        seconds=20,
    )
    docker("kill", "--signal", "STOP", exporter.name)

    wait_for(
        lambda: exporter.inspect()["State"]["Health"]["Status"] == "unhealthy",
        what="the container to be unhealthy",
        seconds=30,
    )
    docker("kill", "--signal", "CONT", exporter.name)


def test_counters_survive_a_container_that_is_replaced(exporter):
    """It stops within ten seconds with exit code 0; the next one, of a new image, goes on."""
    exporter.start()
    wait_for(lambda: exporter.counted() == 3, what="three requests", seconds=10)
    assert 0 == exporter.stop()
    # What stood in the log before is not there to be read again.
    exporter.log.rename(exporter.log.with_name("away"))
    exporter.log.write_text(LINE)
    exporter.log.chmod(0o644)
    exporter.start()

    wait_for(lambda: exporter.counted() == 4, what="four requests", seconds=10)


def test_it_says_what_it_can(docker):
    """--help and --version, as the installed command; the label tells the same version."""
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", IMAGE))
    version = docker("run", "--rm", IMAGE, "--version")

    assert "usage: nginxlog-exporter" in docker("run", "--rm", IMAGE, "--help")
    assert f"nginxlog-exporter {labels['org.opencontainers.image.version']}\n" == version
    assert "nginxlog-exporter" == labels["org.opencontainers.image.title"]


def test_a_wrong_setting_is_one_clear_line():
    """Not a traceback, and not a container that starts over and over."""
    done = subprocess.run(
        ["docker", "run", "--rm", "--env", "NGINXLOG_FILE=/a", "--env", "NGINXLOG_WINDOW=0", IMAGE],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "NGINXLOG_WINDOW: '0' is not valid" in done.stderr
