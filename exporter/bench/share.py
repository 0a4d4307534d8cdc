"""What the exporter adds to nginx's own CPU per proxied request, on a running Teal under wrk."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from exporter.bench import debian
from exporter.bench.figure import Figure
from exporter.bench.formats import ROOT
from exporter.bench.live import cpu_seconds
from exporter.bench.process import FailedError

PARTS = "HTTP BLUE GREEN STATUS EXPORTER BLACKBOX PROMETHEUS ALERTMANAGER INBOX GRAFANA".split()  # noqa: SIM905 - read like a sentence
COMMAND_SECONDS = 600
IDLE_SECONDS = 10
MOST_SHARE = 0.03


def measure(*, seconds: int, cache: Path) -> list[Figure]:
    """Start a stack of its own, load it, remove it. Raises FailedError and UnavailableError."""
    wrk, environment = _wrk(cache)
    with _stack() as (folder, port):
        idle = _cpu(folder)
        time.sleep(IDLE_SECONDS)
        before = _cpu(folder)
        done = subprocess.run(
            [wrk, "--threads=1", "--connections=16", f"--duration={seconds}s",
             f"http://127.0.0.1:{port}/"],
            env={**os.environ, **environment}, capture_output=True, text=True, check=False,
            timeout=seconds + 60,
        )  # fmt: skip
        after = _cpu(folder)
    if done.returncode:
        raise FailedError(f"wrk: {done.stderr}")
    requests = int(
        next(line for line in done.stdout.splitlines() if "requests in" in line).split()[0]
    )
    nginx, exporter = (after[part] - before[part] for part in ("nginx", "exporter"))
    standing = (before["exporter"] - idle["exporter"]) / IDLE_SECONDS * seconds
    return [
        Figure(
            "CPU of the exporter as a share of nginx's",
            f"{exporter / nginx:.1%} ({exporter / requests * 1e6:.1f} µs beside "
            f"{nginx / requests * 1e6:.0f} µs per proxied request, {requests / seconds:,.0f} "
            f"requests/s for {seconds} s); {(exporter - standing) / nginx:.1%} without what it "
            "costs idle, its scrapes by Prometheus included",
            f"at most {MOST_SHARE:.0%}",
            exporter / nginx <= MOST_SHARE,
        )
    ]


# Private


def _wrk(cache: Path) -> tuple[str, dict[str, str]]:
    found = shutil.which("wrk")
    if found:
        return found, {}
    packages = ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"]
    program = debian.fetch("wrk", packages, "bookworm", cache)
    return str(program.path), program.environment


@contextmanager
def _stack() -> Iterator[tuple[Path, int]]:
    """Run a whole Teal as processes on free ports; yield its folder and the port of its door."""
    with tempfile.TemporaryDirectory(prefix="teal-") as folder, ExitStack() as sockets:
        ports = {}
        for part in PARTS:
            probe = sockets.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[f"{part}_PORT"] = str(probe.getsockname()[1])
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
            **ports,
        }
        try:
            _teal("up", environment)
            yield Path(folder) / "local", int(ports["HTTP_PORT"])
        finally:
            _teal("down", environment)


def _teal(command: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "teal", command],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=COMMAND_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise FailedError(f"teal {command}: {done.stdout}")


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
