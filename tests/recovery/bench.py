"""One stack of one checkout, under test: its commands, its front door, and whether all is well."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import OwnEngine
from runners import Containers, Processes, Runner, kill_all_with

from teal.errors import WaitedTooLongError
from teal.wait import wait_for

COMMAND_LIMIT_SECONDS = 420
SUBNET = "10.213.90.0/24"
PARTS = "HTTP BLUE GREEN STATUS EXPORTER BLACKBOX PROMETHEUS ALERTMANAGER INBOX GRAFANA"
PORTS = [f"{part}_PORT" for part in PARTS.split()]


@dataclass
class Command:
    """A command that has ended."""

    words: str
    code: int
    seconds: float
    said: str


@dataclass
class Bench:
    """A stack of its own, driven only by what a user of any version has."""

    checkout: Path
    runtime: str
    engine: OwnEngine | None = None
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="teal-")))
    settings: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    # What an entry counted itself, by method, in the words of `load.Count`.
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "no.env").touch()
        # Below the range from which the kernel gives ports to clients: a part that is started
        # again finds its port free.
        ports = dict(zip(PORTS, map(str, _free_ports(len(PORTS))), strict=True))
        self._fixed = {
            **{n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "VIRTUAL_ENV")},
            "TEAL_DIR": str(self.folder),
            "TEAL_ENV_FILE": str(self.folder / "no.env"),
            "RUNTIME": self.runtime,
            "STACK": self.folder.name.lower(),
            "HTTP_ADDR": "127.0.0.1",
            "GRAFANA": "off",
            "DOCKER_SUBNET": SUBNET,
            **ports,
        }
        self.front = f"http://127.0.0.1:{ports['HTTP_PORT']}"
        self.ports = {name.removesuffix("_PORT").lower(): int(n) for name, n in ports.items()}

    @property
    def runner(self) -> Runner:
        """What runs the parts."""
        if self.runtime == "docker":
            return self.containers
        return self.processes

    @property
    def containers(self) -> Containers:
        """The same, where it is Docker."""
        return Containers(self._fixed["STACK"])

    @property
    def processes(self) -> Processes:
        """The same, where it is supervisord."""
        return Processes(self.folder / "local")

    def run(self, *arguments: str, **settings: str) -> Command:
        """Run a command with these settings, which stay until others are given."""
        self.settings.update(settings)
        began = time.monotonic()
        try:
            done = subprocess.run(
                ["python3", "-m", "teal", *arguments],
                cwd=self.checkout,
                env={**self._fixed, **self.settings},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=COMMAND_LIMIT_SECONDS,
            )
            code, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired as error:
            code, said = 124, (error.stdout or b"").decode(errors="replace")
        words = " ".join([*(f"{n}={v}" for n, v in settings.items()), *arguments])
        command = Command(words, code, round(time.monotonic() - began, 1), said)
        self.commands.append(command)
        return command

    def become(self, settings: dict[str, str]) -> None:
        """Have the stack run with exactly these settings, and wait until all is well."""
        if settings != self.settings or not self.is_well():
            self.settings = dict(settings)
            self.mend()

    def status(self) -> dict[str, Any]:
        """Return what `make status JSON=1` says; {} where it cannot."""
        done = self.run("status", "--json")
        self.commands.pop()
        try:
            state: dict[str, Any] = json.loads(done.said)
        except ValueError:
            return {}
        return state

    def is_well(self) -> bool:
        """Whether the front door answers from the desired pool, and every part is healthy."""
        if not self.front_door_is_well():
            return False
        parts = self.status().get("parts", {})
        return bool(parts) and set(parts.values()) == {"healthy"}

    def front_door_is_well(self) -> bool:
        """Whether each of some requests is answered by the pool that shall answer."""
        answers = {self.served_by() for _ in range(4)}
        return answers == {self.desired}

    def served_by(self) -> str | None:
        """Return the pool that answers at the front door; None where none does."""
        try:
            with urllib.request.urlopen(f"{self.front}/version", timeout=10) as answer:
                return str(answer.headers.get("X-App-Pool"))
        except (OSError, urllib.error.HTTPError):
            return None

    @property
    def desired(self) -> str:
        """The pool that the operator declared."""
        flag = self.folder / self.runtime / "state" / "desired" / "green"
        return "green" if flag.exists() else "blue"

    def mend(self) -> str:
        """Bring the stack to what its settings say by commands; return what it took."""
        for way in _WAYS_BACK:
            for words in way:
                if words == "kill":
                    self._kill_all_of_it()
                else:
                    self.run(*words.split())
            with suppress(WaitedTooLongError):
                wait_for(self.is_well, what="all to be well", seconds=60, poll=0.5)
                return ", ".join(_WORDS.get(words, f"make {words}") for words in way)
        said = [f"{done.words} ended with {done.code}: {done.said}" for done in self.commands[-2:]]
        parts = self.status().get("parts")
        raise WaitedTooLongError("\n".join(["whatever is tried, not well", *said, str(parts)]))

    def remove(self) -> None:
        """Stop everything and remove the folder."""
        self.run("clean", "--keep-programs")
        self._kill_all_of_it()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill_all_of_it(self) -> None:
        """Kill the plain processes that no command finds any more."""
        if self.runtime == "local":
            kill_all_with(str(self.folder))


@contextmanager
def own_bench(
    checkout: Path, runtime: str, *, data: Path | None = None, flags: Sequence[str] = ()
) -> Iterator[Bench]:
    """Give a stack that is up, in Docker on an engine of its own; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="teal-engine-"))
    if runtime == "local":
        bench = Bench(checkout, runtime)
        try:
            bench.become({})
            yield bench
        finally:
            bench.remove()
            shutil.rmtree(folder, ignore_errors=True)
        return
    images = images_of(checkout)
    sleeper = next(image for image in images if image.startswith("nginx:"))
    engine = OwnEngine(folder, data=data, image=sleeper, flags=flags)
    try:
        engine.start()
        engine.forget_stacks()
        engine.take_images(images)
        with engine.entered():
            bench = Bench(checkout, runtime, engine)
            try:
                bench.become({})
                yield bench
            finally:
                bench.remove()
    finally:
        engine.remove()
        shutil.rmtree(folder, ignore_errors=True)


def images_of(checkout: Path) -> list[str]:
    """Return the images that must be there before the stack's own are built; Grafana may fail."""
    text = (checkout / "compose.yml").read_text()
    found = [line.split("image:")[1].strip() for line in text.splitlines() if " image: " in line]
    python = text.partition("PYTHON_IMAGE: ")[2].split('"')[1]
    official = [name for name in found if ":" in name and "$" not in name and "grafana" not in name]
    return sorted({*official, python})


# Private

_WAYS_BACK = [["up"], ["down", "up"], ["clean --keep-programs", "kill", "up"]]
_WORDS = {"kill": "kill by hand", "clean --keep-programs": "make clean"}


def _free_ports(count: int) -> list[int]:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    port = lowest - 1 - (os.getpid() * 37) % 8000
    while len(found) < count:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                found.append(port)
            except OSError:
                pass
        port -= 1
    return found
