"""The same promises with the stack in containers, through the same commands."""

import json
import re

import pytest

from teal.drills.traffic import Traffic
from teal.settings import POOLS
from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SECRET = "T000SECRET/B000SECRET/abcdefghijklmnopqrstuvwx"  # noqa: S105 - made up


@pytest.fixture(scope="module")
def contained(make_stack):
    """Return a stack of containers that is up."""
    stack = make_stack("docker", DOCKER_SUBNET="10.213.78.0/24")
    stack.run("up")
    yield stack
    stack.remove()


@pytest.fixture(autouse=True)
def _quiet(request):
    """Every test starts with no alert pending."""
    if "contained" in request.fixturenames:
        request.getfixturevalue("contained").settle()


def _containers(stack, docker):
    names = docker(
        "ps", "--all", "--filter", f"label=com.docker.compose.project={stack.settings.stack}",
        "--format", "{{.Names}}",
    ).split()  # fmt: skip
    return json.loads(docker("inspect", *names))


@pytest.mark.parametrize(
    "mode",
    ["error", *(pytest.param(each, marks=pytest.mark.long) for each in ("crash", "timeout"))],
)
def test_a_broken_pool_costs_no_request_and_gives_one_message(contained, mode):
    """The drill of plain processes, in containers."""
    said = contained.run("chaos", mode)

    assert said.rstrip().endswith("PASS")
    assert "0 failed" in said


def test_a_planned_switch_loses_nothing(contained):
    """Under load, there and back, no failover is told."""
    known = {message.id for message in contained.clients.inbox.messages()}
    with Traffic(f"{contained.settings.front}/", rate=50, seconds=60) as traffic:
        for pool in ("green", "blue"):
            contained.run("switch", pool)
            wait_for(
                lambda pool=pool: contained.clients.exporter.pools().active == pool,
                what=f"the exporter to see {pool}",
                seconds=10,
            )
        result = traffic.stop()

    assert result.failed == 0, result.reasons
    titles = [m.title for m in contained.clients.inbox.messages() if m.id not in known]
    assert [t for t in titles if "Failover" in t] == []


def test_looking_at_it_works_as_without_docker(contained):
    """`status`, `logs` and `query` do not care how the parts run."""
    contained.get("/version")
    state = json.loads(contained.run("status", "--json"))

    assert state["ok"]
    assert "docker" == state["runtime"]
    assert "GET /version 200 in" in contained.run("logs", "--no-follow")
    assert "blue" in contained.run("query", "nginxlog_active_pool == 1")


def test_up_twice_restarts_nothing(contained, docker):
    """The containers are the same ones afterwards."""
    before = {c["Id"]: c["State"]["StartedAt"] for c in _containers(contained, docker)}
    contained.run("up")

    assert before == {c["Id"]: c["State"]["StartedAt"] for c in _containers(contained, docker)}


def test_containers_run_locked_down(contained, docker):
    """As the engine sees it: no root, no capability, a read-only root, a memory limit, health."""
    for container in _containers(contained, docker):
        name = container["Name"]
        host = container["HostConfig"]
        uid = docker("exec", container["Id"], "id", "-u").strip()
        assert "0" != uid, name
        assert host["ReadonlyRootfs"], name
        assert ["ALL"] == host["CapDrop"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert host["MemorySwap"] == host["Memory"], name
        assert host["PidsLimit"] > 0, name
        is_pool = container["Config"]["Labels"]["com.docker.compose.service"] in POOLS
        # A pool's health is what nginx and the prober get, and nothing else.
        health = container["State"].get("Health", {}).get("Status")
        assert health == (None if is_pool else "healthy"), name


def test_only_the_front_door_is_published_beyond_loopback(make_stack, docker):
    """As the engine published the ports, with the front door open to all."""
    stack = make_stack("docker", DOCKER_SUBNET="10.213.79.0/24", HTTP_ADDR="0.0.0.0")  # noqa: S104
    stack.run("up")
    published = {
        (binding["HostIp"], int(binding["HostPort"]))
        for container in _containers(stack, docker)
        for bindings in container["HostConfig"]["PortBindings"].values()
        for binding in bindings
    }
    stack.remove()

    beyond = {port for address, port in published if address != "127.0.0.1"}
    assert {stack.settings.http_port} == beyond


def test_the_webhook_is_nowhere_to_be_seen(make_stack, docker):
    """Not in `docker inspect`, not in an environment, not in a log, not in an image."""
    stack = make_stack(
        "docker",
        DOCKER_SUBNET="10.213.80.0/24",
        SLACK_WEBHOOK_URL=f"http://127.0.0.1:9/services/{SECRET}",
    )
    stack.run("up")
    found = _containers(stack, docker)
    assert SECRET not in json.dumps(found)
    for container in found:
        assert SECRET not in docker("logs", container["Id"])
        # /proc/1/environ is the environment of the whole container.
        environment = docker("exec", container["Id"], "cat", "/proc/1/environ")
        assert SECRET not in environment
        assert SECRET not in docker("history", "--no-trunc", container["Config"]["Image"])
    reader = next(c for c in found if "alertmanager" in c["Name"])
    assert SECRET in docker("exec", reader["Id"], "cat", "/run/secrets/slack_webhook_url")
    stack.remove()


def test_the_log_rotates_and_no_line_is_lost(make_stack):
    """nginx's container rotates its own log; the exporter's container counts each line once."""
    stack = make_stack(
        "docker", DOCKER_SUBNET="10.213.81.0/24", LOG_ROTATE_MB="1", LOG_ROTATE_KEEP="9"
    )
    stack.run("up")
    url = f"{stack.settings.front}/?{'x' * 1000}"
    with Traffic(url, rate=150, seconds=90) as traffic:
        wait_for(lambda: list(stack.layout.log.glob("access.log.*")), what="a rotation", seconds=80)
        result = traffic.stop()
    assert result.failed == 0, result.reasons
    # nginx writes a line when the client has its answer already.
    wait_for(
        lambda: result.sent == len([line for line in stack.log_lines() if "xxxx" in line]),
        what=f"{result.sent} lines in the log",
        seconds=5,
    )
    wait_for(
        lambda: (
            stack.metric('sum(nginxlog_exporter_lines_total{result="parsed"})')
            == len(stack.log_lines())
        ),
        what="the exporter to count every line",
        seconds=20,
    )
    stack.remove()


def test_an_image_of_ones_own_on_a_fixed_port(make_stack, docker, tmp_path):
    """Any image that serves HTTP works unchanged: no headers of ours, no $PORT, no /chaos."""
    own = "teal-test-own"
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.14-slim-trixie\n"
        "RUN mkdir /srv/www && echo mine > /srv/www/index.html && echo ok > /srv/www/healthz\n"
        'CMD ["python", "-m", "http.server", "3000", "--directory", "/srv/www"]\n'
    )
    docker("build", "--quiet", "--tag", own, str(tmp_path))
    stack = make_stack(
        "docker", DOCKER_SUBNET="10.213.82.0/24", BLUE_IMAGE=own, GREEN_IMAGE=own, POOL_PORT="3000"
    )
    stack.run("up")

    assert "mine\n" == stack.get("/").text
    assert "has no /chaos endpoints; MODE=crash works" in stack.run("chaos", "error", code=1)
    assert stack.run("chaos", "crash").rstrip().endswith("PASS")
    stack.run("load", "--seconds", "1")
    stack.run("switch", "green")
    assert re.search(r"<- green 200", stack.run("logs", "--no-follow"))
    stack.remove()


def test_clean_leaves_no_container_volume_or_network(contained, docker):
    """Back to nothing; the last test of this file, because nothing is left after it."""
    project = f"label=com.docker.compose.project={contained.settings.stack}"
    assert docker("volume", "ls", "--quiet", "--filter", project)
    contained.run("down")
    assert not docker("ps", "--all", "--quiet", "--filter", project)
    assert docker("volume", "ls", "--quiet", "--filter", project)
    contained.run("clean", "--keep-programs")

    for kind in ("ps", "volume ls", "network ls"):
        every = ["--all"] if kind == "ps" else []
        assert not docker(*kind.split(), *every, "--quiet", "--filter", project)
    assert not contained.layout.directory.exists()
