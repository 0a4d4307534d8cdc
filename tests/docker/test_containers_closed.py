"""What runs in containers is closed to neighbours, to a pool that was taken over, to web pages."""

import json
import shutil
import stat
import subprocess

import asking
import pytest
import requests
from fix_stack import ROOT, cannot_run
from neighbour import Neighbour, own_addresses
from reach import Untouched, acts, ports_of_the_readme
from webpage import NAME, Browser, Page

from teal.docker import addresses
from teal.docker.runtime import DockerRuntime
from teal.stack import password
from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

# As small as there is.
SUBNET = "10.213.84.64/26"
PLAN = addresses.plan(SUBNET)


@pytest.fixture(scope="module")
def closed(make_stack):
    """Return a stack of containers whose front door is open to everybody."""
    stack = make_stack("docker", DOCKER_SUBNET=SUBNET, HTTP_ADDR="0.0.0.0")  # noqa: S104
    stack.run("up")
    stack.get("/?token=secret")
    yield stack
    stack.remove()


@pytest.fixture(scope="module")
def neighbour():
    """Return a machine that routes through this one."""
    with Neighbour() as made:
        yield made


def _ports(stack):
    return {name: getattr(stack.settings, name.lower()) for name in ports_of_the_readme()}


def _containers():
    """Return (part, network) -> address of each container."""
    return {
        (part, name): address
        for name, network in PLAN.networks.items()
        for part, address in network.members.items()
        if part != "grafana"
    }


def _everywhere(stack):
    """Return a question to every port at every address of this machine and of every container."""
    places = {**_containers(), **{("this machine", a): a for a in own_addresses()}}
    return [
        {"host": host, "port": port, "setting": setting, "where": where}
        for where, host in places.items()
        for setting, port in _ports(stack).items()
    ]


def _answered(questions, answers):
    return {
        (q["where"][0], q["setting"])
        for q, status in zip(questions, answers, strict=True)
        if status
    }


def _from_inside(docker, stack, part, questions):
    """Ask from a container of the stack."""
    name = f"{stack.settings.stack}-{part}-1"
    result = subprocess.run(
        ["docker", "exec", "--interactive", name, "python", "-c", _program()],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def _program():
    with open(asking.__file__) as file:  # noqa: PTH123
        return file.read()


def test_the_table_of_ports_is_true_for_a_neighbour(closed, neighbour):
    """Who routes through this machine reaches the front door: at no address anything else."""
    questions = _everywhere(closed)
    seen = _answered(questions, neighbour.ask(questions))

    assert {("this machine", "HTTP_PORT"), ("nginx", "HTTP_PORT")} >= seen
    assert ("this machine", "HTTP_PORT") in seen
    everyone = {n for n, (_, who) in ports_of_the_readme().items() if who.startswith("everyone")}
    assert everyone == {setting for _, setting in seen}


def test_where_this_machine_forwarded_before_docker_a_neighbour_reaches_no_more_than_pools(
    closed, neighbour
):
    """Docker before 28 then drops nothing itself: an application answers, nothing of ours does."""
    if shutil.which("iptables") is None:
        cannot_run("no iptables: apt-get install iptables")
    rules = [["FORWARD", "-i", neighbour.name, "-j", "ACCEPT"],
             ["FORWARD", "-o", neighbour.name, "-j", "ACCEPT"]]  # fmt: skip
    for rule in rules:
        subprocess.run(["iptables", "-A", *rule], check=True, timeout=20)
    try:
        questions = _everywhere(closed)
        seen = _answered(questions, neighbour.ask(questions))
        breaks = [
            {"host": PLAN.pool(pool), "port": closed.settings.port_of(pool), "method": "POST",
             "path": "/chaos/start?mode=error&seconds=60"}
            for pool in ("blue", "green")
        ]  # fmt: skip
        with Untouched(closed.settings):
            refused = neighbour.ask(breaks)
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-D", *rule], check=True, timeout=20)

    front = {("this machine", "HTTP_PORT"), ("nginx", "HTTP_PORT")}
    pools = {("blue", "BLUE_PORT"), ("green", "GREEN_PORT")}
    assert seen <= front | pools
    assert set(refused) <= {0, 403}


def test_the_table_of_ports_is_true_for_this_machine(closed):
    """Everything that runs answers on 127.0.0.1."""
    for name, port in _ports(closed).items():
        if name != "GRAFANA_PORT":
            assert asking.answer({"host": "127.0.0.1", "port": port}), name


@pytest.mark.parametrize("pool", ["blue", "green"])
def test_a_pool_that_was_taken_over_reaches_nothing_of_ours(closed, docker, pool):
    """Every port at every address: it finds itself and the front door."""
    questions = _everywhere(closed)
    seen = _answered(questions, _from_inside(docker, closed, pool, questions))

    itself = (pool, f"{pool.upper()}_PORT")
    assert {itself, ("nginx", "HTTP_PORT"), ("this machine", "HTTP_PORT")} >= seen
    assert itself in seen, "the table asks as it should"


def test_a_pool_that_was_taken_over_can_do_nothing(closed, docker):
    """Silence, false alert, reload, prober, Prometheus, inbox, the other pool, at each address."""
    addresses = {}
    for (part, _), address in _containers().items():
        addresses.setdefault(part, []).append(address)
    # The gateway stands before all; so does nginx, on its private ports.
    ways_in = [*addresses["gateway"], *addresses["nginx"], *own_addresses(), "127.0.0.1"]
    questions = [
        {"host": host, "port": getattr(closed.settings, f"{part}_port"), "method": method,
         "path": path, "body": body or "", "part": part,
         "headers": {"Content-Type": "application/json"}}
        for part, tried in acts("http://127.0.0.1/").items()
        for method, path, body in tried
        for host in {*addresses.get(part, []), *ways_in}
        # Its own control port: a drill of its own making.
        if part != "blue"
    ]  # fmt: skip
    with Untouched(closed.settings):
        answers = _from_inside(docker, closed, "blue", questions)

    done = [(q["part"], q["host"], q["path"]) for q, a in zip(questions, answers, strict=True) if a]
    assert [] == done


def test_a_pool_reaches_the_world(closed, docker, neighbour):
    """An application calls others: payment, mail, a database elsewhere."""
    outside = {"host": neighbour.address, "port": neighbour.serve()}
    for pool in ("blue", "green"):
        assert [200] == _from_inside(docker, closed, pool, [outside])


def test_what_watches_reaches_no_world(closed, docker, neighbour):
    """Nothing is sent from there; only Alertmanager has a way out, to Slack."""
    outside = {"host": neighbour.address, "port": neighbour.serve()}
    for part in ("exporter", "inbox"):
        assert [0] == _from_inside(docker, closed, part, [outside]), part


def test_an_applications_own_containers_join_the_pools_networks(closed, docker):
    """A database in both of them is reached from both pools, by its name."""
    stack = closed.settings.stack
    name = f"{stack}-database"
    serve = ["python", "-m", "http.server", "5432"]
    docker("run", "--detach", "--rm", "--name", name, "--network", f"{stack}_pool_blue",
           "--network-alias", "database", "python:3.14-slim-trixie", *serve)  # fmt: skip
    try:
        docker("network", "connect", "--alias", "database", f"{stack}_pool_green", name)
        question = [{"host": "database", "port": 5432}]
        for pool in ("blue", "green"):
            wait_for(
                lambda pool=pool: [200] == _from_inside(docker, closed, pool, question),
                what=f"the database to answer {pool}",
                seconds=20,
            )
    finally:
        docker("rm", "--force", name)


def test_the_world_is_reached_and_served_by_the_edge(closed, docker):
    """Docker decides by name which network publishes a port: never one that a pool is in."""
    bridge = PLAN.networks["edge"].bridge.split(".")
    gateway = "".join(f"{int(part):02X}" for part in reversed(bridge))
    for part in ("nginx", "gateway"):
        routes = docker("exec", f"{closed.settings.stack}-{part}-1", "cat", "/proc/net/route")
        ways_out = [line.split()[2] for line in routes.splitlines() if line.split()[1] == "0" * 8]
        assert [gateway] == ways_out, part


def test_a_web_page_changes_nothing_and_reads_nothing(closed):
    """A real browser on this machine, which reaches the containers' addresses, too."""
    settings = closed.settings
    inside = {
        part: address for (part, net), address in _containers().items() if net == "monitoring"
    }
    inside |= {"status": inside["nginx"], "blue": PLAN.pool("blue"), "green": PLAN.pool("green")}
    with Page([]) as page:
        canary = f"http://{PLAN.networks['blue'].bridge}:{page.port}/probed"
        page.attempts = [
            {"url": f"http://{host}:{getattr(settings, part + '_port')}{path}", "method": method}
            | ({} if body is None else {"body": body})
            for part, tried in acts(canary).items()
            for method, path, body in tried
            for host in ("127.0.0.1", "localhost", inside[part])
        ]
        with Untouched(settings):
            read = page.open()

    assert [] == read
    assert not page.probed


@pytest.mark.parametrize("part", ["prometheus", "alertmanager", "inbox", "exporter", "status"])
@pytest.mark.parametrize("where", ["gateway", "container"])
def test_a_name_that_points_here_reads_nothing(closed, part, where):
    """DNS rebinding, to the gateway and past it."""
    port = getattr(closed.settings, f"{part}_port")
    container = PLAN.address("nginx" if part == "status" else part)
    path = next(path for method, path, _ in acts("x")[part] if method == "GET")
    said = Browser(
        "127.0.0.1" if where == "gateway" else container, f"http://{NAME}:{port}{path}"
    ).text()

    for word in ("up{", '"status":"success"', "versionInfo", "messages", "nginxlog_", "Active"):
        assert word not in said, said


def test_grafana_may_ask_prometheus_through_the_gateway(closed, docker):
    """From its own address only, and for Prometheus only."""
    network = f"{closed.settings.stack}_monitoring"
    questions = [
        {"host": PLAN.address("gateway"), "port": getattr(closed.settings, f"{part}_port"),
         "path": "/metrics", "as": f"{PLAN.address('gateway')}:1"}
        for part in ("prometheus", "alertmanager")
    ]  # fmt: skip
    seen = {}
    for address in (PLAN.address("grafana"), PLAN.networks["monitoring"].spare.split("/")[0]):
        seen[address] = json.loads(
            subprocess.run(
                ["docker", "run", "--rm", "--interactive", "--network", network, "--ip", address,
                 "python:3.14-slim-trixie", "python", "-c", _program()],
                input=json.dumps(questions), capture_output=True, text=True, check=True, timeout=60,
            ).stdout
        )  # fmt: skip

    assert [[200, 0], [0, 0]] == list(seen.values())


def test_the_password_is_in_no_environment_and_on_no_command_line(closed, docker):
    """It is in files that are mounted where they are needed."""
    secrets = [closed.layout.password.read_text(), password.authorization(closed.layout)[6:]]
    names = docker("ps", "--format", "{{.Names}}").split()
    ours = [name for name in names if name.startswith(f"{closed.settings.stack}-")]
    described = docker("inspect", *ours)

    assert not any(secret in described for secret in secrets)


def test_what_users_sent_is_not_for_other_users(closed):
    """0640 and 0750, also what containers write, also after a restart."""
    assert any("token=secret" in line for line in closed.log_lines())
    layout = closed.layout
    for folder in (layout.log, layout.exporter, layout.inbox):
        assert 0o750 == stat.S_IMODE(folder.stat().st_mode) & 0o777, folder
        for path in folder.iterdir():
            assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o027, path
            assert folder.stat().st_gid == path.stat().st_gid, path
    for secret in (layout.secrets, layout.gateway):
        assert 0o700 == stat.S_IMODE(secret.stat().st_mode)


def test_a_gateway_that_dies_comes_back_and_is_missed_by_nobody_else(closed, docker):
    """Alerts and scrapes go past it; the front door does, too."""
    name = f"{closed.settings.stack}-gateway-1"
    process = json.loads(docker("inspect", name))[0]["State"]["Pid"]
    scrapes = 'sum(count_over_time(up{job="exporter"}[10s] @ end()))'
    subprocess.run(["kill", "-9", str(process)], check=True, timeout=5)
    assert closed.get("/").ok
    wait_for(
        lambda: _ok(closed.settings.url("status") + "/healthz"), what="the gateway", seconds=30
    )

    assert closed.metric(scrapes) >= 8
    assert process != json.loads(docker("inspect", name))[0]["State"]["Pid"]


def _ok(url):
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def test_a_stack_of_one_network_is_moved_by_make_up(make_stack, docker, neighbour, tmp_path):
    """As an older version made it, in one line; its hidden front door is hidden from neighbours."""
    stack = make_stack("docker", DOCKER_SUBNET="10.213.85.0/24")
    project = stack.settings.stack
    old = tmp_path / "old.yml"
    old.write_text(json.dumps({
        "services": {"blue": {"image": "python:3.14-slim-trixie", "command": ["sleep", "600"],
                              "networks": {"default": {"ipv4_address": "10.213.85.11"}}}},
        "networks": {"default": {"ipam": {"config": [{"subnet": "10.213.85.0/24"}]}}},
    }))  # fmt: skip
    docker("compose", "--project-name", project, "--file", str(old), "up", "--detach")
    said = stack.run("up")

    assert 1 == said.count("The networks are others than before")
    assert "The networks are" not in stack.run("up")
    assert f"{project}_default" not in docker("network", "ls")
    assert DockerRuntime(stack.settings).pools["blue"].startswith("10.213.85.11:")
    doors = [*addresses.plan("10.213.85.0/24").networks["edge"].members.values(), *own_addresses()]
    assert {0} == set(neighbour.ask([{"host": h, "port": stack.settings.http_port} for h in doors]))
    stack.remove()


def test_the_lists_of_compose_and_of_the_plan_are_one():
    """Who is in which network."""
    import yaml  # noqa: PLC0415

    services = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]
    said = {
        (part, network): options["ipv4_address"]
        for part, service in services.items()
        for network, options in service["networks"].items()
    }

    assert {
        (part, name): f"${{TEAL_{name.upper()}_IP_{part.upper()}}}"
        for name, members in PLAN.networks.items()
        for part in members.members
    } == said
