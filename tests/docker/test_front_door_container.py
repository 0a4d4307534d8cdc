"""The front door's container comes back by itself, whatever happened, and is seldom needed to."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import requests
from front_clients import KeepAlive, Newcomers, SlowDownload

from teal.docker.runtime import DockerRuntime
from teal.errors import RuntimeFailedError
from teal.stack import nginx
from teal.stack.components import parts
from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

STREAM = "/stream?seconds=100"


@pytest.fixture(scope="module")
def door(make_stack):
    """Return a stack of containers that is up."""
    stack = make_stack("docker", DOCKER_SUBNET="10.213.83.0/24")
    stack.run("up")
    yield stack
    stack.remove()


@pytest.fixture(autouse=True)
def _as_it_was(door):
    """Every test starts with an nginx that serves, and with the settings of the beginning."""
    settings = dict(door.environment)
    yield
    door.environment.clear()
    door.environment.update(settings)
    _wait_until_open(door)


def _name(stack):
    return f"{stack.settings.stack}-nginx-1"


def _wait_until_open(stack):
    wait_for(lambda: _is_open(stack), what="the front door to be open", seconds=90)


def _is_open(stack):
    try:
        return stack.get("/healthz").ok
    except requests.RequestException:
        return False


def _inspect(stack, docker, part="nginx"):
    (found,) = json.loads(docker("inspect", f"{stack.settings.stack}-{part}-1"))
    return found


def _start(stack, docker, part="nginx"):
    state = _inspect(stack, docker, part)["State"]
    return state["StartedAt"], state["Pid"]


def _master(stack):
    """Return the master that serves, as this machine numbers it."""
    rows = _processes(stack)
    serving = {parent for _, parent, title in rows if title == "nginx: worker process"}
    masters = [pid for pid, _, t in rows if t.startswith("nginx: master") and pid in serving]
    return masters[0] if len(masters) == 1 else None


def _processes(stack):
    # It fails where a process ends while it looks; whoever asks waits, and asks again.
    listed = subprocess.run(
        ["docker", "top", _name(stack), "-eo", "pid,ppid,args"],
        capture_output=True, text=True, check=False, timeout=60,
    ).stdout  # fmt: skip
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return [(int(pid), int(parent), title.strip()) for pid, parent, title in rows]


@pytest.mark.parametrize("name", ["KILL", "TERM", "QUIT"])
def test_the_master_dies_inside_the_container(door, docker, name):
    """The container goes on; with a download open, which only TERM may cut, it is a blink."""
    before = _start(door, docker)
    with (
        SlowDownload(door.settings.http_port, path=STREAM),
        Newcomers(door.settings.http_port, seconds=60) as clients,
    ):
        wait_for(lambda: clients.sent > 200, what="traffic", seconds=20)
        master = wait_for(lambda: _master(door), what="a master", seconds=20)
        os.kill(master, getattr(signal, f"SIG{name}"))
        wait_for(lambda: _master(door) not in (None, master), what="another master", seconds=30)
        seen = clients.sent
        wait_for(lambda: clients.sent > seen + 400, what="more traffic", seconds=20)
        clients.stop()

    print(name, clients)
    assert before == _start(door, docker)
    # 0.1 s, and for QUIT half a second until it is noticed; this is a busy machine's.
    assert clients.refused_for < 5, str(clients)


def _restart(door, docker):
    docker("restart", _name(door))


def _kill_first_process(door, docker):
    _kill(_inspect(door, docker)["State"]["Pid"])


def _stop_and_start(door, docker):
    docker("stop", _name(door))
    docker("start", _name(door))


@pytest.mark.parametrize("how", [_restart, _kill_first_process, _stop_and_start])
def test_the_container_is_restarted(door, docker, how):
    """Again and again: what is only right at the first start shows at the second or third."""
    for _ in range(3):
        before = _start(door, docker)
        with (
            SlowDownload(door.settings.http_port, path=STREAM),
            Newcomers(door.settings.http_port, seconds=60) as clients,
        ):
            how(door, docker)
            wait_for(
                lambda before=before: _start(door, docker)[1] not in (0, before[1]),
                what="another first process",
                seconds=60,
            )
            _wait_until_open(door)
            clients.stop()
        print(how.__name__, clients)
    assert "200" in str(door.get("/").status_code)
    assert door.get("/").headers["X-App-Pool"] == "blue"


def test_every_container_is_well_again_after_a_kill(door, docker):
    """By the engine alone, twice: no tmpfs, pid file or socket is in the way."""
    names = [part.name for part in parts(door.settings) if part.name != "grafana"]
    for _ in range(2):
        before = {name: _start(door, docker, name) for name in names}
        for name in names:
            _kill(before[name][1])
        wait_for(
            lambda before=before: all(_is_well_again(door, docker, n, before[n]) for n in names),
            what="every container to be well again",
            seconds=180,
            poll=1,
        )
    for name in names:
        for folder in _inspect(door, docker, name)["HostConfig"].get("Tmpfs") or {}:
            # As the container's own user: nothing else tells that it can be written.
            docker("exec", f"{door.settings.stack}-{name}-1", "sh", "-c", f"touch {folder}/x")


def _is_well_again(stack, docker, part, before):
    state = _inspect(stack, docker, part)["State"]
    started = (state["StartedAt"], state["Pid"]) != before and state["Running"]
    return started and state.get("Health", {}).get("Status", "healthy") == "healthy"


def _kill(pid):
    # 0 is a container that does not run; to the kernel it is this test's own process group.
    assert pid > 0
    os.kill(pid, signal.SIGKILL)


def test_a_reload_takes_every_setting_and_recreates_nothing(door, docker):
    """READ_TIMEOUT, LOG_ROTATE_* and the others: the same container, the same first process."""
    before = _start(door, docker)
    changes = {
        "READ_TIMEOUT": "7s", "POOL_KEEPALIVE": "2s", "DRAIN_TIMEOUT": "20s",
        "LOG_ROTATE_MB": "9", "LOG_ROTATE_KEEP": "2",
    }  # fmt: skip
    with KeepAlive(
        door.settings.http_port, path="/echo", clients=16, pause=0.01, seconds=300
    ) as clients:
        door.environment.update(changes)
        door.run("up")
        clients.stop()

    assert before == _start(door, docker)
    assert 0 == clients.failed, str(clients)
    text = "".join(p.read_text() for p in (door.layout.nginx / "current").glob("*.conf"))
    for value in ("proxy_read_timeout    7s;", "timeout 2s;", "worker_shutdown_timeout 20s;"):
        assert value in text
    wait_for(
        lambda: "below 9 MB and 2 older files" in "".join(door.run("logs", "--part", "nginx",
                                                                   "--no-follow")),
        what="the rotation to take its numbers", seconds=30, poll=1,
    )  # fmt: skip


def test_clients_that_keep_their_connection_lose_no_post_to_a_reload(door):
    """Of a newer nginx, which waits for those who are between two requests."""
    with KeepAlive(
        door.settings.http_port, path="/echo", clients=32, pause=0.01, seconds=300
    ) as clients:
        for number in range(3):
            seen = clients.sent
            wait_for(lambda seen=seen: clients.sent > seen + 300, what="traffic", seconds=60)
            door.environment["READ_TIMEOUT"] = f"{20 + number}s"
            assert "Reloaded: nginx." in door.run("reload")
        clients.stop()

    print(clients)
    assert 0 == clients.failed, str(clients)


def test_a_typo_in_a_template_is_named_and_harms_nothing(door, docker, monkeypatch, tmp_path):
    """`nginx -t` runs in a container like that of nginx; the running one goes on, and restarts."""
    copy = tmp_path / "templates"
    shutil.copytree(nginx.TEMPLATES, copy)
    front = copy / "front.conf.template"
    front.write_text(front.read_text().replace("proxy_http_version 1.1;", "proxy_version 1.1;"))
    monkeypatch.setattr(nginx, "TEMPLATES", copy)
    before = nginx.current(door.layout)
    with pytest.raises(RuntimeFailedError, match=re.escape('unknown directive "proxy_version"')):
        DockerRuntime(door.settings).reload()

    assert before == nginx.current(door.layout)
    docker("restart", _name(door))
    _wait_until_open(door)


def test_a_bad_configuration_shows_in_the_container_state(door, docker):
    """Whatever brought it there: the container ends and tells, and is well once it is mended."""
    folder = (door.layout.nginx / "current").resolve()
    front = folder / "front.conf"
    text = front.read_text()
    front.write_text(text + "\nrubbish;\n")
    try:
        docker("restart", _name(door))
        wait_for(
            lambda: _inspect(door, docker)["RestartCount"] > 0, what="a restart loop", seconds=60
        )
        said = docker("logs", "--tail", "20", _name(door)) + subprocess.run(
            ["docker", "logs", "--tail", "20", _name(door)],
            capture_output=True, text=True, check=True, timeout=30,
        ).stderr  # fmt: skip
        assert 'unknown directive "rubbish"' in said
    finally:
        front.write_text(text)
    _wait_until_open(door)


def test_the_rotation_is_started_again_and_makes_good_what_it_left(door, docker):
    """Killed between its two steps: nginx would write to the renamed file for ever."""
    rotate = wait_for(
        lambda: [pid for pid, _, title in _processes(door) if "rotate.sh" in title],
        what="the rotation",
        seconds=20,
    )
    door.layout.access_log.rename(door.layout.access_log.with_suffix(".log.1"))
    os.kill(rotate[0], signal.SIGKILL)
    wait_for(door.layout.access_log.exists, what="a new log", seconds=60)
    door.get("/?after")
    wait_for(lambda: "/?after" in door.layout.access_log.read_text(), what="its line", seconds=10)


def test_the_engine_stops_it_soon(door, docker):
    """With a download open: the port belongs to the container, so others wait for its end."""
    with SlowDownload(door.settings.http_port, path=STREAM):
        begun = time.monotonic()
        docker("stop", _name(door))
        took = time.monotonic() - begun
        docker("start", _name(door))

    print(f"{took:.1f} s")
    # It stopped by itself, not by the engine's KILL after ten seconds.
    assert 137 != _inspect(door, docker)["State"]["ExitCode"]
    assert took < 9
