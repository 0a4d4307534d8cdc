"""The real nginx with two fake pools behind it, and nothing else of the stack."""

import os
import subprocess
import sys
from pathlib import Path

import requests
from fix_stack import ROOT, free_ports

from teal.processes import nginx_processes
from teal.processes.nginx_place import nginx_command, nginx_surroundings
from teal.settings import Settings, load
from teal.stack import nginx
from teal.stack.layout import BEHIND_GATEWAY, Layout
from teal.wait import wait_for

BACKEND = Path(__file__).parent / "backend.py"


class World:
    """One nginx under `teal.front_door`, as supervisord starts it."""

    def __init__(self, folder: Path, *, idle: float | None = None, **variables: str):
        ports = dict(zip(("HTTP", "STATUS", "BLUE", "GREEN"), map(str, free_ports(4)), strict=True))
        self._variables = {
            **{f"{name}_PORT": port for name, port in ports.items()},
            "HTTP_ADDR": "127.0.0.1",
            "TEAL_ENV_FILE": os.devnull,
            "TEAL_DIR": str(folder),
            **variables,
        }
        self.layout = Layout(folder / "local")
        self.layout.make(self.settings, hosts=_Here(), pools=self._pools())
        self._idle = [] if idle is None else [str(idle)]
        self.backends: dict[str, subprocess.Popen] = {}
        self.parent: subprocess.Popen | None = None

    @property
    def settings(self) -> Settings:
        """The settings of now."""
        return load(self._variables)

    def set(self, **variables: str) -> None:
        """Change settings, as in .env."""
        self._variables |= variables

    def start(self) -> None:
        """Start the pools, then nginx."""
        for pool in ("blue", "green"):
            self.start_backend(pool)
        self.prepare()
        self.start_parent()

    def start_backend(self, pool: str) -> None:
        """Start a pool, and wait until it answers."""
        port = self.settings.port_of(pool)
        self.backends[pool] = subprocess.Popen(
            [sys.executable, BACKEND, str(port), pool, *self._idle]
        )
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}/"), what=pool, seconds=10, poll=0.02)

    def prepare(self) -> str:
        """Put the configuration of now in place, as `make up` does."""
        return nginx.prepare(self.settings, self.layout, self.surroundings(), self.refusal)

    def surroundings(self) -> nginx.Surroundings:
        """Return where nginx finds itself."""
        return nginx_surroundings(self.settings, self.layout, pools=self._pools())

    def refusal(self, folder: Path) -> str:
        """Return what nginx says against a configuration."""
        test = subprocess.run(
            [*nginx_command(self.layout, folder), "-t", "-q"],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        return nginx.refusal(test.stderr) if test.returncode else ""

    def reload(self) -> bool:
        """Prepare and load, as `make reload` does."""
        before = nginx.current(self.layout)
        return nginx.load(
            self.layout,
            self.prepare(),
            runs=self.generation,
            reload=lambda: self.signal("HUP"),
            before=before,
        )

    def start_parent(self, *, opens: bool = True) -> None:
        """Start what supervisord starts, and wait until the front door is open."""
        with (self.layout.directory / "nginx.log").open("ab") as log:
            self.parent = subprocess.Popen(
                [sys.executable, "-m", "teal.front_door", str(self.layout.nginx),
                 *nginx_command(self.layout)],
                cwd=self.layout.nginx,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )  # fmt: skip
        pid_file = self.layout.nginx / "parent.pid"
        wait_for(
            lambda: pid_file.exists() and pid_file.read_text() == f"{self.parent.pid}\n",
            what="the parent to take signals",
            seconds=20,
            poll=0.02,
        )
        if opens:
            wait_for(self.is_open, what="nginx to answer", seconds=20, poll=0.02)

    def stop_parent(self) -> None:
        """Stop it for good: nobody takes nginx over."""
        self.signal("QUIT")
        self.parent.wait(20)
        wait_for(lambda: not self.processes(), what="nginx to end", seconds=20)

    def signal(self, name: str) -> None:
        """Signal the parent."""
        self.parent.send_signal(getattr(__import__("signal"), f"SIG{name}"))

    def generation(self) -> str | None:
        """Return which configuration nginx runs."""
        return _answers(
            f"http://{BEHIND_GATEWAY}:{self.settings.status_port}/generation",
            Host=nginx.STATUS_NAME,
        )

    def is_open(self) -> bool:
        """Whether nginx answers."""
        return _answers(f"{self.settings.front}/healthz") is not None

    @property
    def port(self) -> int:
        """The port of the front door."""
        return self.settings.http_port

    def processes(self) -> list[nginx_processes.NginxProcess]:
        """Return the nginx processes of this world."""
        return nginx_processes.find(self.layout.nginx)

    def master(self) -> int:
        """Return the master whose workers serve."""
        serving = {process.parent for process in self.processes() if process.serves}
        masters = [p.pid for p in self.processes() if p.is_master and p.pid in serving]
        assert len(masters) == 1, self.processes()
        return masters[0]

    def said(self) -> str:
        """Return what nginx and its parent printed."""
        return (self.layout.directory / "nginx.log").read_text()

    def remove(self) -> None:
        """Stop everything."""
        if self.parent is not None and self.parent.poll() is None:
            self.parent.terminate()
            self.parent.wait(20)
        nginx_processes.kill_all(self.layout.nginx)
        for backend in self.backends.values():
            backend.kill()
            backend.wait()

    def _pools(self) -> dict[str, str]:
        return {p: f"127.0.0.1:{self.settings.port_of(p)}" for p in ("blue", "green")}


class _Here(dict):
    def __missing__(self, part):
        return "127.0.0.1"


def _answers(url: str, **headers: str) -> str | None:
    try:
        answer = requests.get(url, headers=headers, timeout=5)
    except requests.RequestException:
        return None
    return answer.text.strip() if answer.ok else None
