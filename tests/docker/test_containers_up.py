"""`make up` and `make switch` in containers: nothing they do costs a request, whatever fails."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fix_stack import ROOT
from front_clients import Newcomers
from loaded import loaded

from teal.stack.ports import is_taken
from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
LONG = pytest.mark.long

IMAGE = "teal-test/moody"
MOODY = Path(__file__).parent / "moody"
# What the engine and Compose say in their own words.
RAW = ("Error response from daemon", "Error ", "Container ", "Traceback", "[+]")


@pytest.fixture(scope="module")
def moody(docker):
    """Return the name of the image."""
    docker("build", "--quiet", "--tag", IMAGE, str(MOODY))
    return IMAGE


@pytest.fixture(scope="module")
def running_moody(make_stack, moody):
    """Return a stack that is up, with pools whose release is their mood."""
    stack = make_stack(
        "docker",
        DOCKER_SUBNET="10.213.84.0/24",
        BLUE_IMAGE=moody,
        GREEN_IMAGE=moody,
        BLUE_RELEASE="v1",
        GREEN_RELEASE="v1",
        # What does not come up is not waited for long.
        POOL_START_SECONDS="25",
    )
    stack.run("up")
    yield stack
    stack.remove()


@pytest.fixture
def stack(running_moody):
    """Return it, as it was at first; whatever a test set is taken back afterwards."""
    before = dict(running_moody.environment)
    yield running_moody
    running_moody.environment = before
    running_moody.run("up")
    running_moody.run("switch", "blue")


def _container(stack, docker, service):
    ids = docker(
        "ps", "--all", "--quiet",
        "--filter", f"label=com.docker.compose.project={stack.settings.stack}",
        "--filter", f"label=com.docker.compose.service={service}",
    ).split()  # fmt: skip
    assert len(ids) == 1, ids
    return json.loads(docker("inspect", ids[0]))[0]


def _release(container):
    found = [e for e in container["Config"]["Env"] if e.startswith("RELEASE=")]
    return found[0].partition("=")[2]


def _releases(stack, docker):
    return {pool: _release(_container(stack, docker, pool)) for pool in ("blue", "green")}


def _desired(stack):
    return "green" if (stack.layout.desired / "green").exists() else "blue"


def _known(stack):
    return {message.id for message in stack.clients.inbox.messages()}


def _told(stack, known):
    return [(m.state, m.title) for m in stack.clients.inbox.messages() if m.id not in known]


def _start(stack, *arguments):
    """Start a command of ours, to be read line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "teal", *arguments],
        cwd=ROOT,
        env={**stack.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _read_until(process, words):
    """Return what a command printed until it printed these words."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was not said:\n{said}")


def test_both_releases_change_and_no_request_fails(stack, docker):
    """The idle pool first, then the other behind it; nobody is called, `desired` is what it was."""
    known = _known(stack)
    stack.environment |= {"BLUE_RELEASE": "v2", "GREEN_RELEASE": "v2"}
    with loaded(stack) as load:
        said = stack.run("up")

    assert [] == load.failures
    assert {"blue": "v2", "green": "v2"} == _releases(stack, docker)
    assert "blue" == _desired(stack)
    order = ["Renewing green", "from blue to green", "Renewing blue", "from green to blue"]
    assert sorted(order, key=said.index) == order
    told = _told(stack, known)
    assert [] == [title for state, title in told if state != "info"]
    assert len(told) <= 1, told


def test_a_setting_that_both_share_changes_the_port_of_both(stack, docker):
    """nginx knows each pool where it is at that moment.

    Each request has a connection of its own: what a reload costs an idle one is nginx's.
    """
    stack.environment["POOL_PORT"] = "3000"
    clients = [
        Newcomers(stack.settings.http_port, rate=25, method=method, seconds=400)
        for method in ("GET", "POST")
    ]
    with clients[0], clients[1]:
        stack.run("up")
        for each in clients:
            each.stop()

    assert ["", ""] == [str(each) if each.failed else "" for each in clients]
    assert "PORT=3000" in _container(stack, docker, "blue")["Config"]["Env"]
    assert _address(stack.log_lines()[-1]).endswith(":3000")


def _address(line):
    return line.partition('upstream_addr="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"GREEN_RELEASE": "crash"}, ["boom: no database", "GREEN_RELEASE v1 -> crash"]),
        pytest.param(
            {"GREEN_RELEASE": "sick"},
            ["answers its health check with 500", "POOL_ENV_FILE"],
            marks=LONG,
        ),
        pytest.param({"GREEN_RELEASE": "deaf"}, ["listen on 0.0.0.0"], marks=LONG),
        ({"GREEN_RELEASE": "lies"}, ["green answers / with 500"]),
        pytest.param(
            {"GREEN_RELEASE": "writes"},
            ["Read-only file system", "POOL_READ_ONLY=false"],
            marks=LONG,
        ),
        pytest.param({"POOL_MEMORY": "6m"}, ["POOL_MEMORY 512m -> 6m"], marks=LONG),
        ({"GREEN_IMAGE": "teal-test/none"}, ["GREEN_IMAGE", "what ran before goes on"]),
    ],
    ids=["crashes", "unhealthy", "unreachable", "lies", "read-only", "memory", "no image"],
)
def test_a_pool_that_does_not_come_up_is_put_back(stack, docker, settings, words):
    """The command says what it said last and what to look at, and nobody notices."""
    stack.environment |= settings
    with loaded(stack) as load:
        said = stack.run("up", code=1)

    assert [] == load.failures
    for each in words:
        assert each in said
    assert {"blue": "v1", "green": "v1"} == _releases(stack, docker)
    assert "blue" == _desired(stack)
    assert not [raw for raw in RAW if raw in said], said
    state = json.loads(stack.run("status", "--json", code=None))
    assert {"healthy"} == set(state["parts"].values())


@pytest.mark.long
def test_the_pool_that_served_does_not_come_up_and_serves_again(stack, docker):
    """The other one, which is well, has taken over meanwhile."""
    stack.environment |= {"BLUE_RELEASE": "crash", "GREEN_RELEASE": "v2"}
    with loaded(stack) as load:
        said = stack.run("up", code=1)

    assert [] == load.failures
    assert "boom: no database" in said
    assert {"blue": "v1", "green": "v2"} == _releases(stack, docker)
    assert "blue" == _desired(stack)


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "moment"),
    [
        (signal.SIGKILL, "Renewing green"),
        (signal.SIGKILL, "Renewing blue"),
        (signal.SIGINT, "from blue to green"),
    ],
)
def test_cut_off_at_any_point_the_next_one_finishes(stack, docker, moment, how):
    """Whoever ran it is gone, with all that it had started; the same command again goes on.

    Every point is tried with a fake runtime (tests/teal/test_rollout.py) and with plain processes.
    """
    stack.environment |= {"BLUE_RELEASE": "v3", "GREEN_RELEASE": "v3"}
    with loaded(stack) as load:
        command = _start(stack, "up")
        _read_until(command, moment)
        os.killpg(command.pid, how)
        command.wait(60)
        stack.run("up")

    assert [] == load.failures
    assert {"blue": "v3", "green": "v3"} == _releases(stack, docker)
    assert "blue" == _desired(stack)


def test_one_at_a_time(stack):
    """A second operator is told who is at work; when that one dies the lock is free."""
    stack.environment |= {"BLUE_RELEASE": "v4", "GREEN_RELEASE": "v4"}
    command = _start(stack, "up")
    _read_until(command, "Renewing green")
    said = stack.run("up", code=1)
    refused = stack.run("switch", "green", code=1)
    os.killpg(command.pid, signal.SIGKILL)
    command.wait(60)

    assert f"process {command.pid}" in said
    assert "is changing this stack" in said
    assert "is changing this stack" in refused
    stack.run("up")


@pytest.mark.parametrize(
    ("service", "trouble"),
    [
        ("green", "another address"),
        pytest.param("blue", "another address", marks=LONG),
        pytest.param("green", "no network", marks=LONG),
        ("green", "paused"),
        pytest.param("blue", "stopped", marks=LONG),
        ("exporter", "no network"),
        pytest.param("exporter", "paused", marks=LONG),
    ],
)
def test_a_container_in_an_odd_state_is_mended(stack, docker, trouble, service):
    """`make status` sees it, `make up` recreates or starts it."""
    container = _container(stack, docker, service)
    network = next(iter(container["NetworkSettings"]["Networks"]))
    if trouble in ("another address", "no network"):
        docker("network", "disconnect", network, container["Id"])
    if trouble == "another address":
        docker("network", "connect", network, container["Id"])
    if trouble == "paused":
        docker("pause", container["Id"])
    if trouble == "stopped":
        docker("stop", container["Id"])
    if service != "exporter":
        state = json.loads(stack.run("status", "--json", code=1))
        assert state["parts"][service] == "unhealthy"
    stack.run("up")

    state = json.loads(stack.run("status", "--json", code=None))
    assert {"healthy"} == set(state["parts"].values())
    assert "running" == _container(stack, docker, service)["State"]["Status"]


@pytest.mark.parametrize("service", ["inbox", "green"])
def test_a_loop_of_restarts_is_cured_by_a_new_container(stack, docker, service):
    """What is only wrong in the container goes with it; to Compose it is the same one."""
    container = _container(stack, docker, service)
    labels = [f"--label={k}={v}" for k, v in container["Config"]["Labels"].items()]
    docker("rm", "--force", container["Id"])
    docker(
        "run", "--detach", "--restart", "unless-stopped", "--name", container["Name"].strip("/"),
        *labels, "--entrypoint", "false", container["Config"]["Image"],
    )  # fmt: skip
    wait_for(
        lambda: _container(stack, docker, service)["RestartCount"] > 1,
        what="a loop of restarts",
        seconds=60,
    )
    stack.run("up")

    assert "running" == _container(stack, docker, service)["State"]["Status"]
    state = json.loads(stack.run("status", "--json", code=None))
    assert {"healthy"} == set(state["parts"].values())


@pytest.mark.parametrize(
    ("service", "setting", "part"),
    [("gateway", "GREEN_PORT", "green"), ("nginx", "HTTP_PORT", "nginx")],
)
def test_a_port_taken_in_the_middle_of_an_outage_is_said_by_name(
    stack, docker, service, setting, part
):
    """The container is there, does not run, and someone else has its port."""
    docker("stop", _container(stack, docker, service)["Id"])
    port = int(stack.environment[setting])
    wait_for(lambda: not is_taken("127.0.0.1", port), what="the port to be free", seconds=30)
    with socket.create_server(("127.0.0.1", port)):
        said = stack.run("up", code=1)

    assert f"port {port} ({part}) is taken by another program; set {setting} in .env" in said
    assert not [raw for raw in RAW if raw in said], said


def test_an_optional_part_fails_alone(stack, docker):
    """Grafana's image is not to be had, or its port is taken: one line, and all the rest runs."""
    stack.environment["GRAFANA"] = "on"
    with socket.create_server(("127.0.0.1", int(stack.environment["GRAFANA_PORT"]))):
        taken = stack.run("up")
    said = stack.run("up")
    assert "grafana is left out: " in said
    assert "GRAFANA=off" in said

    assert "grafana is left out: port" in taken
    assert not [raw for raw in RAW if raw in said + taken], said + taken


def test_a_switch_to_a_pool_that_only_says_it_is_well_is_refused(stack):
    """Its health check answers 200, everything else 500: it never gets a request."""
    # Put there behind the back of `make up`, which would not leave it.
    stack.environment["GREEN_RELEASE"] = "lies"
    from teal.docker.runtime import DockerRuntime  # noqa: PLC0415

    DockerRuntime(stack.settings).fleet.renew("green")
    with loaded(stack) as load:
        wait_for(
            lambda: "answers / with 500" in stack.run("switch", "green", code=1),
            what="the switch to be refused",
            seconds=60,
        )

    assert [] == load.failures
    assert "blue" == _desired(stack)


def test_an_image_built_anew_is_taken_at_once_and_said(stack, docker, tmp_path):
    """The same tag is another image now: the table says which one each pool runs."""
    before = _container(stack, docker, "blue")["Image"]
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL of=today\n")
    kept = f"{IMAGE}:kept"
    docker("tag", IMAGE, kept)
    docker("build", "--quiet", "--tag", IMAGE, str(tmp_path))
    try:
        with loaded(stack) as load:
            said = stack.run("up", "--pull")
        after = _container(stack, docker, "blue")["Image"]
    finally:
        docker("tag", kept, IMAGE)

    assert [] == load.failures
    assert before != after
    assert after.removeprefix("sha256:")[:12] in said
    assert after.removeprefix("sha256:")[:12] in stack.run("status", code=None)
    # No registry has it, or none answers: a line each, and the stack is up.
    assert f"{IMAGE} was not pulled, the one that is here is used" in said
    assert not [raw for raw in RAW if raw in said], said
