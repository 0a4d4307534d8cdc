"""Images that were not made for Teal: each habit works, or a line names the setting that mends it.

One stack for all. Blue is the demo application; green has the habit, and only green is made anew.
"""

import contextlib
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from teal.docker import closer_look
from teal.docker.runtime import DockerRuntime
from teal.errors import WaitedTooLongError
from teal.stack.hints import hint
from teal.wait import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("habits.py")
BASE = "teal-test-habits"
LIMIT_SECONDS = 120
# As entrypoints do it that start as root and give up their rights; many only if they are root.
DROPS = "chown -R app /data && exec setpriv --reuid=app --regid=app --init-groups"
SERVES = "python /app/habits.py needs_nothing"
SPECIAL = {
    "names no user": ("root", SERVES.split()),
    "drops rights if it is root": (
        "root",
        ["sh", "-c", f'if [ "$(id -u)" = 0 ]; then {DROPS} {SERVES}; fi; exec {SERVES}'],
    ),
    "drops rights": ("root", ["sh", "-c", f"{DROPS} {SERVES}"]),
}


class Pool:
    """Green, made anew for each habit, while the rest of the stack goes on."""

    def __init__(self, stack, docker):
        self.stack = stack
        self.docker = docker
        self.container = f"{stack.settings.stack}-green-1"

    def run(self, image, **settings):
        """Start it with an image and settings, and do not wait."""
        self.stack.environment |= {"POOL_STOP_SECONDS": "1", "GREEN_IMAGE": image, **settings}
        runtime = self.runtime
        runtime._tell_of_parts(has_grafana=False)
        runtime._compose.up("green", flags=["--no-deps"])

    @property
    def runtime(self):
        """What the commands would do with these settings."""
        return DockerRuntime(self.stack.settings)

    def explains(self, words):
        """Wait until what is said of it has these words."""
        said = ""

        def is_said():
            nonlocal said
            said = self.hint()
            return words in said

        with contextlib.suppress(WaitedTooLongError):
            wait_for(is_said, what=words, seconds=LIMIT_SECONDS)
        assert words in said
        assert "\n" not in said

    def hint(self):
        """Return what is said of it now."""
        return hint(self.runtime.fleet.examine("green")) or ""

    def is_well(self):
        """Wait until nginx would reach it."""
        url = f"http://{self.runtime.pools['green']}{self.stack.settings.health_path}"

        wait_for(
            lambda: closer_look.look_inside(self.container, url, looker="nginx:1.30.6").is_well,
            what="green to be well",
            seconds=LIMIT_SECONDS,
        )

    def inspect(self):
        """Return all that the engine knows of it."""
        return json.loads(self.docker("inspect", self.container))[0]


@dataclass(frozen=True)
class Case:
    """A habit, what is said of it, and what mends it; `file` is the application's environment."""

    habit: str
    hint: str
    cure: dict = field(default_factory=dict)
    file: str = ""
    # What was said and done before.
    first: tuple = ()


@pytest.fixture(scope="module")
def images(docker, tmp_path_factory):
    """Return a function that makes an image with a habit, and its name."""
    folder = tmp_path_factory.mktemp("images")
    shutil.copy(PROGRAM, folder)

    def build(name, *lines):
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        docker("build", "--quiet", "--tag", name, str(folder))
        return name

    build(
        BASE,
        "FROM python:3.14-slim-trixie",
        "RUN useradd --create-home --uid 1000 app && install -d -o app /app /data /var/log/shop",
        "WORKDIR /app",
        "COPY habits.py .",
    )

    def make(habit):
        if habit == "is nginx":
            return build(
                "teal-test-nginx",
                "FROM nginx:1.30.6",
                "RUN cd /usr/share/nginx/html; echo ok >healthz",
            )
        user, command = SPECIAL.get(habit, ("app", ["python", "/app/habits.py", habit]))
        name = f"{BASE}-{re.sub('[ _]', '-', habit)}"
        return build(name, f"FROM {BASE}", f"USER {user}", f"CMD {json.dumps(command)}")

    return make


@pytest.fixture(scope="module")
def running(make_stack):
    """Return the stack that all tests here use."""
    stack = make_stack("docker", DOCKER_SUBNET="10.213.84.0/24")
    stack.run("up")
    yield stack
    stack.remove()


@pytest.fixture
def green(running, docker):
    """Return the pool; what a test set is forgotten afterwards."""
    before = dict(running.environment)
    yield Pool(running, docker)
    running.environment = before


@pytest.mark.parametrize(
    "habit",
    [
        "needs_nothing",
        "names no user",
        "drops rights if it is root",
        "binds_port_80",
        "ignores_sigterm",
    ],
)
def test_it_works_as_it_is(green, images, docker, habit):
    """The defaults are enough, and the container is locked down."""
    green.run(images(habit), POOL_PORT="80" if habit == "binds_port_80" else "")
    green.is_well()
    host = green.inspect()["HostConfig"]

    assert "0" != docker("exec", green.container, "id", "-u").strip()
    assert host["ReadonlyRootfs"]
    assert ["ALL"] == host["CapDrop"]
    assert not host["CapAdd"]
    assert host["Memory"] == host["MemorySwap"]
    assert host["PidsLimit"]
    # However it takes SIGTERM: so long it may go on.
    assert 1 == green.inspect()["Config"]["StopTimeout"]


CASES = [
    Case(
        "writes_beside_its_code",
        "green writes to /app/cache: set POOL_READ_ONLY=false in .env",
        {"POOL_READ_ONLY": "false"},
    ),
    Case(
        "writes_beside_its_code",
        "or add its folder to POOL_WRITABLE",
        {"POOL_WRITABLE": "/app/cache"},
    ),
    Case(
        "logs_to_a_file",
        "green writes to /var/log/shop/shop.log: add /var/log/shop to POOL_WRITABLE",
        {"POOL_WRITABLE": "/var/log/shop"},
    ),
    Case("writes_to_its_home", "add /home/app to POOL_WRITABLE", {"POOL_WRITABLE": "/home/app"}),
    Case("starts_slowly", "raise POOL_START_SECONDS"),
    Case("needs_shared_memory", "raise POOL_SHM", {"POOL_SHM": "256m"}),
    Case("needs_memory", "ran out of memory: raise POOL_MEMORY", {"POOL_MEMORY": "1g"}),
    Case("listens_on_localhost", "green listens on 127.0.0.1 only", file="HOST=0.0.0.0"),
    Case("listens_on_ipv6", "green listens on IPv6 only", file="HOST=0.0.0.0"),
    Case(
        "needs_a_variable",
        "green misses DATABASE_URL in its environment",
        file="DATABASE_URL='postgres://shop:pa$$w#rd@db/shop'",
    ),
    Case("insists_on_pid_1", "set POOL_INIT=false in .env", {"POOL_INIT": "false"}),
    Case("runs_from_tmp", "set POOL_WRITABLE=/tmp:exec", {"POOL_WRITABLE": "/tmp:exec"}),  # noqa: S108
    Case("has_its_health_elsewhere", "HTTP 404: set HEALTH_PATH", {"HEALTH_PATH": "/"}),
    Case("has_a_fixed_port", "set POOL_PORT=3000 in .env", {"POOL_PORT": "3000"}),
    Case(
        "drops rights",
        "POOL_USER=root and POOL_CAPS='CHOWN SETGID SETUID'",
        {"POOL_USER": "root", "POOL_CAPS": "CHOWN SETGID SETUID"},
        first=("green writes to /data", {"POOL_WRITABLE": "/data"}),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.habit}: {case.hint}" for case in CASES])
def test_one_line_names_the_setting_that_mends_it(green, images, tmp_path, case):
    """Without the setting it does not serve and that is said; with it, it serves."""
    image = images(case.habit)
    green.run(image)
    if case.first:
        hint, cure = case.first
        green.explains(hint)
        green.run(image, **cure)
    green.explains(case.hint)

    cure = case.cure
    if case.file:
        (tmp_path / "app.env").write_text(case.file + "\n")
        cure = {"POOL_ENV_FILE": str(tmp_path / "app.env")}
    if cure:
        green.run(image, **cure)
    green.is_well()


def test_the_environment_reaches_the_application_as_it_is_written(green, images, docker, tmp_path):
    """Quotes are taken off and a $ is a $; nobody else may read the file that Compose is given."""
    (tmp_path / "app.env").write_text("PASSWORD='pa$$w#rd ${HOME}'\nEMPTY=\n# no\n\nHOME=/tmp\n")
    green.run(images("needs_nothing"), POOL_ENV_FILE=str(tmp_path / "app.env"))
    green.is_well()
    environment = green.inspect()["Config"]["Env"]

    assert {"PASSWORD=pa$$w#rd ${HOME}", "EMPTY=", "HOME=/tmp"} <= set(environment)
    assert 0o600 == green.runtime.layout.pools.stat().st_mode & 0o777


def test_a_writable_folder_is_still_writable_after_a_restart(green, images, docker):
    """Also a folder that the image has, as root's; and /tmp."""
    green.run(images("needs_nothing"), POOL_WRITABLE="/var/cache /new/folder")
    for _ in range(2):
        green.is_well()
        docker("exec", green.container, "touch", "/var/cache/a", "/new/folder/a", "/tmp/a")  # noqa: S108
        docker("restart", "--time", "1", green.container)


def test_nginx_runs_by_what_the_lines_say(green, images, docker):
    """An official image that starts as root: one line after the other leads there, unprivileged."""
    image = images("is nginx")
    folders = []
    for _ in range(2):
        green.run(image, POOL_PORT="80", POOL_WRITABLE=" ".join(folders))
        green.explains("to POOL_WRITABLE")
        folders += re.findall(r"add (\S+) to POOL_WRITABLE", green.hint())
    green.run(image, POOL_PORT="80", POOL_WRITABLE=" ".join(folders))
    green.is_well()

    assert ["/var/lib/nginx", "/run"] == folders
    assert "61000" == docker("exec", green.container, "id", "-u").strip()


def test_nginx_runs_as_root_and_drops_its_rights(green, images, docker):
    """The other way: as its maker meant it, with three capabilities and no more."""
    green.run(
        images("is nginx"),
        POOL_PORT="80",
        POOL_USER="root",
        POOL_CAPS="CHOWN SETGID SETUID",
        POOL_WRITABLE="/var/lib/nginx /run",
    )
    green.is_well()

    users = set(docker("top", green.container, "-eo", "pid,uid").split()[3::2])
    assert {"0", "101"} == users


def test_up_says_it_with_the_last_words(green, images, tmp_path):
    """The command itself: exit code 1, the last words, and the line; then it works."""
    stack = green.stack
    stack.environment |= {"GREEN_IMAGE": images("needs_a_variable")}
    said = stack.run("up", code=1)

    assert "KeyError: 'DATABASE_URL'" in said
    assert "\n  green misses DATABASE_URL in its environment" in said
    (tmp_path / "app.env").write_text("DATABASE_URL=postgres://db/shop\n")
    stack.environment["POOL_ENV_FILE"] = str(tmp_path / "app.env")
    stack.run("up")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"POOL_ENV_FILE": "no/such.env"}, "POOL_ENV_FILE: there is no file "),
        ({"POOL_USER": "nosuchuser"}, "has no such user in its image: correct POOL_USER"),
    ],
)
def test_a_setting_that_cannot_be_is_named(green, settings, words):
    """Before or while the containers are made."""
    green.stack.environment |= settings
    said = green.stack.run("up", code=1)

    assert words in said
    assert "Traceback" not in said
