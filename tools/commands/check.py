"""Check everything that can be checked without starting it: code, configurations, rules, locks.

A check whose tool is missing says so and is passed over; in CI (CI=true) that is a failure.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teal.bootstrap import ROOT
from teal.choose import docker_answers
from teal.docker.runtime import DockerRuntime
from teal.processes.nginx_place import (
    gateway_command,
    gateway_place,
    nginx_command,
    nginx_surroundings,
    pool_addresses,
)
from teal.settings import Settings
from teal.stack import gateway, nginx, password, servers
from teal.stack.layout import Layout

LIMIT_SECONDS = 300
TYPED = ("teal", "tools", "apps", "exporter/src", "grafana")


@dataclass(frozen=True)
class Check:
    """A command that ends with 0 when all is well; None where its tool is missing."""

    name: str
    command: Sequence[str] | None
    needs: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`make check` has no arguments."""


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Run every check, also after one has failed."""
    servers.fetch_missing()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for check in _checks(settings, Path(folder)):
            if check.command is None:
                verdict = f"not done: {check.needs} is missing"
                if os.environ.get("CI"):
                    failed.append(check.name)
            elif _passes(check.command):
                verdict = "ok"
            else:
                verdict = "FAILED"
                failed.append(check.name)
            print(f"{check.name:32} {verdict}", flush=True)
    print(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


# Private


def _checks(settings: Settings, folder: Path) -> list[Check]:
    python = [sys.executable, "-m"]
    layout = Layout(folder)
    for made in (layout.log, layout.state, layout.spool, layout.nginx, layout.secrets):
        made.mkdir()
    surroundings = nginx_surroundings(settings, layout, pools=pool_addresses(settings))
    nginx.render(settings, layout.nginx, surroundings)
    password.make(layout)
    place = gateway_place(settings, layout, has_grafana=True)
    gateway.render(settings, layout, place)
    rules = sorted(str(path) for path in (ROOT / "prometheus" / "rules").glob("*.yml"))
    rule_tests = sorted(str(path) for path in (ROOT / "tests" / "rules").glob("*.yml"))
    scripts = sorted(str(path) for path in ROOT.glob("nginx/**/*.sh"))
    shellcheck = shutil.which("shellcheck")
    docker = DockerRuntime(settings) if docker_answers() else None
    return [
        Check("ruff: lint", [*python, "ruff", "check", "--quiet", str(ROOT)]),
        Check("ruff: format", [*python, "ruff", "format", "--quiet", "--check", str(ROOT)]),
        Check("mypy: strict", [*python, "mypy", *TYPED]),
        Check("vulture: dead code", [*python, "tools.dead_code"]),
        Check("nginx -t", [*nginx_command(layout, layout.nginx), "-t", "-q"]),
        Check("nginx -t: gateway", [*gateway_command(layout), "-t", "-q"]),
        Check("promtool check config", [*_tool("promtool"), "check", "config", _PROMETHEUS]),
        Check("promtool check rules", [*_tool("promtool"), "check", "rules", *rules]),
        Check("promtool test rules", [*_tool("promtool"), "test", "rules", *rule_tests]),
        Check("amtool check-config", [*_tool("amtool"), "check-config", _ALERTMANAGER]),
        Check("every message can be rendered", [*python, "teal.stack.message_check"]),
        Check("shellcheck", [shellcheck, *scripts] if shellcheck else None, "shellcheck"),
        Check(
            "docker compose config",
            docker.compose_command("config", "--quiet") if docker else None,
            "Docker with Compose",
        ),
        Check("dashboards are those of the code", [*python, "tools", "dashboards", "--check"]),
        Check("docs/metrics.md is of the code", [*python, "tools", "docs", "--check"]),
    ]


_PROMETHEUS = str(ROOT / "prometheus" / "prometheus.yml")
_ALERTMANAGER = str(ROOT / "alertmanager" / "alertmanager.yml")


def _tool(name: str) -> list[str]:
    return [str(servers.find(name))]


def _passes(command: Sequence[str]) -> bool:
    result = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if result.returncode:
        print(result.stdout)
    return result.returncode == 0
