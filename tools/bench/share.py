"""What the exporter adds to nginx's own CPU per proxied request, on a running Teal under wrk."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from teal import debian
from teal.stack import servers
from tools.bench.figure import Figure
from tools.bench.formats import ROOT
from tools.bench.live import cpu_seconds
from tools.bench.process import FailedError

PARTS = "HTTP BLUE GREEN STATUS EXPORTER BLACKBOX PROMETHEUS ALERTMANAGER INBOX GRAFANA".split()  # noqa: SIM905 - read like a sentence
COMMAND_SECONDS = 600
IDLE_SECONDS = 10
START_SECONDS = 10.0
MOST_SHARE = 0.03


def measure(*, seconds: int, cache: Path) -> list[Figure]:
    """Start a stack of its own, load it, remove it. Raises FailedError and UnavailableError."""
    wrk = _wrk(cache)
    with _stack() as stack:
        figures = [_share("the demo application", stack, wrk, seconds)]
        with _pools_that_cost_nothing(stack):
            figures.append(_share("an application that costs nothing", stack, wrk, seconds))
    return figures


# Private


class _Stack(NamedTuple):
    """A running Teal: its folder and its ports."""

    folder: Path
    ports: dict[str, int]


def _share(application: str, stack: _Stack, wrk: debian.Program, seconds: int) -> Figure:
    idle = _cpu(stack.folder)
    time.sleep(IDLE_SECONDS)
    before = _cpu(stack.folder)
    done = subprocess.run(
        [wrk.path, "--threads=1", "--connections=16", f"--duration={seconds}s",
         f"http://127.0.0.1:{stack.ports['HTTP']}/"],
        env={**os.environ, **wrk.environment}, capture_output=True, text=True, check=False,
        timeout=seconds + 60,
    )  # fmt: skip
    after = _cpu(stack.folder)
    if done.returncode or "Non-2xx" in done.stdout:
        raise FailedError(f"wrk: {done.stderr or done.stdout}")
    requests = int(
        next(line for line in done.stdout.splitlines() if "requests in" in line).split()[0]
    )
    nginx, exporter = (after[part] - before[part] for part in ("nginx", "exporter"))
    standing = (before["exporter"] - idle["exporter"]) / IDLE_SECONDS * seconds
    return Figure(
        f"CPU of the exporter as a share of nginx's, before {application}",
        f"{exporter / nginx:.1%} ({exporter / requests * 1e6:.1f} µs beside "
        f"{nginx / requests * 1e6:.0f} µs per proxied request, {requests / seconds:,.0f} "
        f"requests/s for {seconds} s); {(exporter - standing) / nginx:.1%} without what it "
        "costs idle, its scrapes by Prometheus included",
        f"at most {MOST_SHARE:.0%}",
        exporter / nginx <= MOST_SHARE,
    )


@contextmanager
def _pools_that_cost_nothing(stack: _Stack) -> Iterator[None]:
    """Have another nginx answer at the ports of both pools while the block lasts."""
    supervisor = [
        *(sys.executable, "-m", "supervisor.supervisorctl"),
        *("-s", f"unix://{stack.folder / 'supervisor.sock'}"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nginx.conf").write_text(_ANSWERS.format(**stack.ports))
        _run([*supervisor, "stop", "blue", "green"])
        program = servers.find("nginx")
        process = subprocess.Popen(
            [str(program), "-e", "stderr", "-p", folder, "-c", "nginx.conf"],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for_port(stack.ports["BLUE"])
            yield
        finally:
            process.terminate()
            process.wait(COMMAND_SECONDS)
            _run([*supervisor, "start", "blue", "green"])


_ANSWERS = """
daemon off; pid nginx.pid; worker_processes 1; events {{ }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{BLUE}; listen 127.0.0.1:{GREEN};
        keepalive_requests 1000000;
        add_header X-Release-Id v1;
        location / {{ return 200 "ok\\n"; }}
    }}
}}
"""


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise FailedError(f"nobody listens at port {port}")


def _wrk(cache: Path) -> debian.Program:
    return debian.fetch(
        "wrk", ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"], "bookworm", cache
    )


@contextmanager
def _stack() -> Iterator[_Stack]:
    """Run a whole Teal as processes on free ports."""
    with tempfile.TemporaryDirectory(prefix="teal-") as folder, ExitStack() as sockets:
        ports = {}
        for part in PARTS:
            probe = sockets.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[part] = probe.getsockname()[1]
        sockets.close()
        nothing = Path(folder) / "no.env"
        nothing.touch()
        environment = {
            **{name: value for name, value in os.environ.items() if name != "SLACK_WEBHOOK_URL"},
            "PYTHONPATH": str(ROOT),
            "TEAL_DIR": folder,
            "TEAL_ENV_FILE": str(nothing),
            "RUNTIME": "local",
            "HTTP_ADDR": "127.0.0.1",
            "GRAFANA": "off",
            **{f"{part}_PORT": str(port) for part, port in ports.items()},
        }
        try:
            _teal("up", environment)
            yield _Stack(Path(folder) / "local", ports)
        finally:
            _teal("down", environment)


def _teal(command: str, environment: dict[str, str]) -> None:
    _run([sys.executable, "-m", "teal", command], environment)


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=COMMAND_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise FailedError(f"{' '.join(command)}: {done.stdout}")


def _cpu(folder: Path) -> dict[str, float]:
    """Return the CPU seconds of nginx (with its workers) and of the exporter so far."""
    supervisor = int((folder / "supervisord.pid").read_text())
    children = _children()
    seconds = {"nginx": 0.0, "exporter": 0.0}
    waiting = [supervisor]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"nginxlog_exporter" in words:
            seconds["exporter"] += cpu_seconds(pid)
        elif words.startswith(b"nginx: "):
            seconds["nginx"] += cpu_seconds(pid)
    return seconds


def _children() -> dict[int, list[int]]:
    """Return the children of every process."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(folder.name))
    return children
