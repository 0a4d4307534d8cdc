"""A Docker engine of one's own, which may be killed: its network and its data are nobody else's.

It runs in the network namespace of a container of the machine's engine, which only sleeps: so it
reaches what containers reach, and its ports are on a loopback of its own. Needs root.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from teal.wait import wait_for

LIMIT_SECONDS = 120
LOAD_LIMIT_SECONDS = 600
# Away from that of the sleeping container's own network.
BRIDGE = "10.213.199.1/24"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, of <sched.h>


class OwnEngine:
    """A second Docker engine; `flags` are more of dockerd's own.

    `data` is kept between runs where it is given. `image` is any that has `sleep`.
    """

    def __init__(
        self, folder: Path, *, data: Path | None = None, image: str, flags: Sequence[str] = ()
    ) -> None:
        self._image = image
        self._flags = flags
        # The kernel's limit for the name of a unix socket is 108 bytes.
        self._run = Path("/run") / f"teal-{uuid.uuid4().hex[:8]}"
        self._data = data or folder / "docker"
        self._log = self._run / "dockerd.log"
        self._namespace = 0
        self._sleeper = ""
        self.host = f"unix://{self._run}/docker.sock"

    def start(self) -> None:
        """Make the namespace and start the engine in it."""
        self._run.mkdir(parents=True, exist_ok=True)
        command = ["run", "--detach", "--rm", "--entrypoint", "sleep", self._image, "infinity"]
        self._sleeper = _outer("docker", *command).strip()
        pid = _outer("docker", "inspect", "--format", "{{.State.Pid}}", self._sleeper).strip()
        self._namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self._start_engine()

    def restart(self) -> None:
        """Stop the engine as the system's service manager does, and start it."""
        os.kill(self._pid(), signal.SIGTERM)
        self._wait_until_gone(self._pid())
        self._start_engine()

    def kill(self) -> None:
        """Kill the engine as `kill -9` does, and start it; containers run on meanwhile."""
        for pid in (self._pid(), *self._processes("containerd ")):
            _kill(pid)
            self._wait_until_gone(pid)
        self._start_engine()

    def reboot(self) -> None:
        """Kill everything at once and forget what does not survive a reboot, then start."""
        self._kill_everything()
        with self.entered():
            links = _run("ip", "-o", "link", "show", "type", "bridge").splitlines()
            for link in links:
                _run("ip", "link", "delete", link.split(": ")[1])
            for table in ("nat", "filter", "mangle"):
                _run("iptables", "-t", table, "-F")
                _run("iptables", "-t", table, "-X")
        self._start_engine()

    def remove(self) -> None:
        """Stop the engine and remove all of it but `data` that was given."""
        if (self._run / "docker.pid").exists():
            with suppress(ProcessLookupError):
                os.kill(self._pid(), signal.SIGTERM)
                self._wait_until_gone(self._pid())
        self._kill_everything()
        if self._namespace:
            os.close(self._namespace)
        if self._sleeper:
            _outer("docker", "rm", "--force", self._sleeper)
        shutil.rmtree(self._run, ignore_errors=True)

    def take_images(self, names: list[str]) -> None:
        """Copy images from the machine's engine."""
        missing = [name for name in names if not self._has(name)]
        if missing:
            outer = _outer_environment()
            with subprocess.Popen(
                ["docker", "save", *missing], stdout=subprocess.PIPE, env=outer
            ) as saved:
                subprocess.run(
                    ["docker", "--host", self.host, "load", "--quiet"],
                    stdin=saved.stdout,
                    check=True,
                    capture_output=True,
                    timeout=LOAD_LIMIT_SECONDS,
                )

    def forget_stacks(self) -> None:
        """Remove what a run before left in `data`: all but images."""
        left = self._docker("ps", "--all", "--quiet").split()
        if left:
            self._docker("rm", "--force", "--volumes", *left)
        self._docker("network", "prune", "--force")
        self._docker("volume", "prune", "--force")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have this thread, and all it starts, see the engine's network and the engine."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        before = os.environ.get("DOCKER_HOST")
        _enter(self._namespace)
        os.environ["DOCKER_HOST"] = self.host
        try:
            yield
        finally:
            _enter(own)
            os.close(own)
            del os.environ["DOCKER_HOST"]
            if before is not None:
                os.environ["DOCKER_HOST"] = before

    # Private

    def _start_engine(self) -> None:
        with self.entered(), self._log.open("ab") as log:
            self._engine = subprocess.Popen(
                [
                    *("dockerd", "--host", self.host, "--data-root", str(self._data)),
                    *("--exec-root", str(self._run / "exec"), "--bip", BRIDGE),
                    *("--pidfile", str(self._run / "docker.pid"), "--mtu", "1400"),
                    *self._flags,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._answers, what=f"the engine to answer (see {self._log})", seconds=60)

    def _docker(self, *arguments: str) -> str:
        """Return what a command printed; nothing where it failed."""
        return _run("docker", "--host", self.host, *arguments)

    def _answers(self) -> bool:
        return bool(self._docker("info", "--format", "{{.ServerVersion}}").strip())

    def _has(self, name: str) -> bool:
        return bool(self._docker("images", "--quiet", name))

    def _pid(self) -> int:
        return int((self._run / "docker.pid").read_text())

    def _wait_until_gone(self, pid: int) -> None:
        def gone() -> bool:
            self._engine.poll()
            return not Path(f"/proc/{pid}").exists()

        wait_for(gone, what=f"process {pid} to end", seconds=LIMIT_SECONDS)

    def _processes(self, name: str) -> list[int]:
        """Return the processes of that name which were started for this engine."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(self._run) in words and name in words.partition("--")[0] + " ":
                    found.append(int(folder.name))
        return found

    def _kill_everything(self) -> None:
        """Kill the engine, its helpers, and every process in its containers."""
        shims = self._processes("containerd-shim")
        inside = [pid for shim in shims for pid in descendants(shim)]
        for name in ("dockerd ", "containerd ", "docker-proxy "):
            for pid in self._processes(name):
                _kill(pid)
        for pid in (*shims, *inside):
            _kill(pid)
        everyone = [*shims, *inside, *self._processes("dockerd "), *self._processes("containerd ")]
        for pid in everyone:
            self._wait_until_gone(pid)
        # What was mounted for the containers, the innermost first.
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for path in sorted(mounts, reverse=True):
            if path == str(self._data) or path.startswith((str(self._run), f"{self._data}/")):
                _run("umount", "--lazy", path)
        shutil.rmtree(self._run / "exec", ignore_errors=True)
        (self._run / "docker.pid").unlink(missing_ok=True)


def descendants(pid: int) -> list[int]:
    """Return the children of a process, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # pid (name) state parent ...: only the name can hold a space or a bracket.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


# Private


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _outer_environment() -> dict[str, str]:
    """Return the environment in which `docker` speaks to the machine's engine."""
    return {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}


def _outer(*command: str) -> str:
    return subprocess.run(
        command,
        env=_outer_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_SECONDS,
    ).stdout


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
    )
    return done.stdout
