"""A newcomer on a bare Debian 12: the README's own commands, in a fresh clone, nothing else."""

import re
import subprocess
import uuid
from pathlib import Path

import pytest
from fix_stack import cannot_run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "teal-test/bare-debian12"
BLOCKS = {
    name: commands.strip()
    for name, commands in re.findall(
        r"<!-- test: (\w+) -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
}
LIMIT_SECONDS = 600
# A folder as people have them; each of these characters means something to some program.
FOLDER = """~/"a b%c'd ü" """.strip()
# Of a network whose proxy cannot reach what is on this machine. These commands ask nothing outside.
PROXY = "export http_proxy=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9"
INSTALLING = ("try", "develop")


class Machine:
    """A machine of one's own, with a clone of this repository."""

    def __init__(self, user, *, network="bridge"):
        self.name = f"teal-test-{uuid.uuid4().hex[:8]}"
        _docker(
            "run", "--detach", "--init", "--name", self.name, "--user", user, "--network", network,
            "--volume", f"{ROOT}:/repository:ro", IMAGE, "sleep", "3600",
        )  # fmt: skip
        # Of another owner, and with what is not committed yet left behind.
        trust = "git config --global --add safe.directory '*'"
        code, said = self.run(f"{trust}; git clone --quiet /repository {FOLDER}", folder="~")
        assert code == 0, said

    def run(self, commands, *, folder=FOLDER, user=None):
        """Type commands into a shell; return the code of the first that fails, and all text."""
        as_user = ["--user", user] if user else []
        result = subprocess.run(
            ["docker", "exec", *as_user, self.name, "bash", "-ec", f"cd {folder}\n{commands}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        return result.returncode, result.stdout

    def remove(self):
        """Throw the machine away."""
        _docker("rm", "--force", self.name)


def _docker(*arguments):
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True, timeout=120
    ).stdout


@pytest.fixture(scope="module", autouse=True)
def _image():
    if not _docker("images", "--quiet", IMAGE):
        cannot_run(f"no image {IMAGE}: python3 tests/standins/build.py --bare-debian")


@pytest.fixture
def machine(request):
    """Return a machine for the user, and with the network, that the test names."""
    made = Machine(*request.param[:1], **(request.param[1] if len(request.param) > 1 else {}))
    yield made
    made.remove()


@pytest.mark.parametrize("machine", [("dev",)], indirect=True, ids=["a normal user"])
def test_every_command_of_the_readme(machine):
    """In the order of the README, each ends well, drills pass, and at the end nothing is left."""
    code, said = machine.run(
        "apt-get update -qq\n" + BLOCKS["requirements"].replace("sudo ", "") + " -yqq",
        user="root",
        folder="/",
    )
    assert code == 0, said
    for name in (
        "try",
        "see",
        "switch",
        "change",
        "drill",
        "slack",
        "reload",
        "silence",
        "develop",
        "remove",
    ):
        proxy = "" if name in INSTALLING else PROXY
        code, said = machine.run(f"{proxy}\n{BLOCKS[name]}")
        assert code == 0, f"{name}:\n{said}"
        assert said.count("PASS") == BLOCKS[name].count("chaos"), said
        assert "Traceback" not in said
    code, said = machine.run("git status --short; ls -d .teal")

    assert "ls: cannot access '.teal': No such file or directory\n" == said


@pytest.mark.parametrize("machine", [("root",)], indirect=True, ids=["root"])
def test_the_first_five_minutes_as_root(machine):
    """Not advised, but it works, the switch included (nginx's workers must see the flag file)."""
    for name in ("try", "switch", "remove"):
        code, said = machine.run(BLOCKS[name])
        assert code == 0, f"{name}:\n{said}"


@pytest.mark.parametrize("machine", [("dev", {"network": "none"})], indirect=True, ids=["offline"])
def test_no_network_is_one_clear_line(machine):
    """What could not be had, and what to look at."""
    code, said = machine.run("make up")

    assert code != 0
    assert "teal: could not install requirements.txt; is the network up?" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("machine", [("dev",)], indirect=True, ids=["without venv"])
def test_a_missing_program_is_one_clear_line(machine):
    """A Debian without python3-venv says which package to install."""
    code, said = machine.run(
        "apt-get remove -yqq python3-venv python3.11-venv", user="root", folder="/"
    )
    assert code == 0, said
    code, said = machine.run("make up")

    assert code != 0
    assert "teal: Python's venv is missing; on Debian: apt-get install python3-venv" in said
    assert "Traceback" not in said


def test_every_command_block_of_the_readme_is_tried():
    """A new block of commands needs a name, and this file must run it."""
    text = (ROOT / "README.md").read_text()

    assert text.count("```sh") == len(BLOCKS)
    ours = Path(__file__).read_text()
    assert all(f'"{name}"' in ours for name in BLOCKS)
