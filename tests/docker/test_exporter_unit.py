"""The systemd unit, really started: a bare Debian 12 with systemd, and the exporter's README."""

import re
import subprocess
import uuid
from pathlib import Path

import pytest
from fix_stack import cannot_run

from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "teal-test/bare-debian12"
README = (ROOT / "exporter" / "README.md").read_text()
BOOT = """
apt-get update -qq
apt-get install -yqq --no-install-recommends systemd
# Its own part of the tree of control groups: the unit's bounds are set there.
mount -o remount,rw /sys/fs/cgroup/systemd || mount -o remount,rw /sys/fs/cgroup
# As on a machine: what systemd mounts for a service, its secrets, is seen by it.
mount --make-rshared /
exec /lib/systemd/systemd
"""
LINE = '10.0.0.1 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8"'
# As Debian's nginx makes it: nobody else may read it.
LOG = f"""
mkdir -p /var/log/nginx
echo '{LINE}' >/var/log/nginx/access.log
chown www-data:adm /var/log/nginx/access.log
chmod 640 /var/log/nginx/access.log
"""
ASK = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9117/{}').read().decode())"


def block(heading):
    """Return the commands that stand under a heading of the README."""
    return re.search(rf"### {heading}\n.*?```sh\n(.*?)```", README, re.DOTALL)[1]


class Machine:
    """A container in which systemd is the first process."""

    def __init__(self, docker):
        self._docker = docker
        self.name = f"teal-test-{uuid.uuid4().hex[:8]}"
        docker(
            "run", "--detach", "--name", self.name, "--user", "root", "--cgroupns", "private",
            # What systemd itself needs to take things away from its services.
            "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE",
            "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "--tmpfs", "/run", "--tmpfs", "/run/lock", "--env", "container=docker",
            "--volume", f"{ROOT}:/repository:ro", "--entrypoint", "bash", IMAGE, "-ec", BOOT,
        )  # fmt: skip

    def run(self, commands, *, code=0):
        """Type commands into root's shell; return what they printed."""
        done = subprocess.run(
            ["docker", "exec", "--workdir", "/root", self.name, "bash", "-ec", commands],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        assert code is None or code == done.returncode, done.stdout
        return done.stdout

    def is_up(self):
        """Tell whether systemd has started all it should."""
        state = self.run("systemctl is-system-running", code=None).strip()
        return state in ("running", "degraded")

    def is_ready(self):
        """Tell whether the exporter is ready."""
        return self.run(f'python3 -c "{ASK.format("-/ready")}"', code=None) == "ok\n\n"

    def metrics(self):
        """Return what the exporter publishes, by series."""
        text = self.run(f'python3 -c "{ASK.format("metrics")}"')
        return dict(re.findall(r"^([^#\n].*) (.*)$", text, re.MULTILINE))

    def counted(self):
        """Return how many requests the exporter has counted."""
        series = self.metrics().items()
        return sum(float(n) for name, n in series if name.startswith("nginxlog_http_responses"))

    def told(self, *properties):
        """Return what systemd knows of the unit."""
        names = ",".join(properties)
        lines = self.run(f"systemctl show --property {names} nginxlog-exporter").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def machine(docker):
    """Return a machine on which the README's commands were typed."""
    if not docker("images", "--quiet", IMAGE):
        cannot_run(f"no image {IMAGE}: python3 tests/standins/build.py --bare-debian")
    made = Machine(docker)
    try:
        wait_for(made.is_up, what="systemd to be up", seconds=90)
        made.run(LOG + "cp -r /repository/exporter .")
        made.run(block("The command"))
        made.run(block("With systemd"))
        yield made
    finally:
        docker("rm", "--force", made.name)


@pytest.fixture(autouse=True)
def _ready(machine):
    wait_for(machine.is_ready, what="the exporter to be ready", seconds=20)


def test_a_log_of_the_group_adm_is_counted(machine):
    """Without any setting changed; where the counters are kept, nobody else can look."""
    wait_for(lambda: machine.counted() == 1, what="one request", seconds=10)
    found = machine.metrics()

    assert "1.0" == found['nginxlog_exporter_file_readable{file="/var/log/nginx/access.log"}']
    assert "0.0" == found["nginxlog_exporter_state_save_errors_total"]
    assert float(found["process_start_time_seconds"]) > 0
    assert "700" == machine.run("stat -Lc %a /var/lib/nginxlog-exporter").strip()


def test_it_runs_without_any_privilege(machine):
    """As the kernel sees the process."""
    pid = machine.told("MainPID")["MainPID"]
    status = dict(line.split(":\t") for line in machine.run(f"cat /proc/{pid}/status").splitlines())

    assert "0" not in status["Uid"].split("\t")
    assert ("0000000000000000", "0000000000000000") == (status["CapEff"], status["CapBnd"])
    assert ("1", "2") == (status["NoNewPrivs"], status["Seccomp"])


def test_a_kill_costs_nothing(machine):
    """It is started again and goes on where it was."""
    wait_for(lambda: machine.counted() >= 1, what="the requests so far", seconds=10)
    before = machine.counted()
    machine.run(f"echo '{LINE}' >>/var/log/nginx/access.log")
    machine.run("systemctl kill --signal KILL nginxlog-exporter")
    wait_for(lambda: machine.told("NRestarts") == {"NRestarts": "1"}, what="a restart", seconds=20)
    wait_for(machine.is_ready, what="the exporter to be ready", seconds=20)

    wait_for(lambda: machine.counted() == before + 1, what="the new request", seconds=10)


def test_a_stop_is_a_success(machine):
    """And a start after it, too."""
    machine.run("systemctl stop nginxlog-exporter")
    told = machine.told("Result", "ExecMainStatus")
    machine.run("systemctl start nginxlog-exporter")

    assert {"Result": "success", "ExecMainStatus": "0"} == told


def test_a_wrong_setting_is_said_and_not_tried_again(machine):
    """The message is the last line of the journal, not the first of a hundred."""
    machine.run("echo NGINXLOG_WINDOW=0 >>/etc/default/nginxlog-exporter")
    machine.run("systemctl restart nginxlog-exporter")
    wait_for(
        lambda: machine.told("ActiveState") == {"ActiveState": "failed"},
        what="the unit to fail",
        seconds=20,
    )
    told = machine.told("ExecMainStatus", "NRestarts")
    said = machine.run("journalctl --unit nginxlog-exporter --lines 5 --output cat --no-pager")
    machine.run("sed -i '$d' /etc/default/nginxlog-exporter; systemctl start nginxlog-exporter")

    assert {"ExecMainStatus": "2", "NRestarts": "0"} == told
    assert "NGINXLOG_WINDOW: '0' is not valid" in said
