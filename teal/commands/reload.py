"""Have nginx, Prometheus and Alertmanager read their files again, after checking them.

For changes to limits, rules, routes and messages; a change of .env wants `make up`.
"""

import argparse
import subprocess

from teal import api, packages, render
from teal.bootstrap import ROOT
from teal.runtime import RuntimeFailedError, choose
from teal.settings import Settings
from teal.wait import wait_for

CHECK_LIMIT_SECONDS = 30
RELOAD_LIMIT_SECONDS = 40
IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`make reload` has no arguments."""


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Check, reload, and wait for the proof."""
    runtime = choose(settings)
    if not runtime.running():
        raise RuntimeFailedError("nothing runs; start it with: make up")
    _check("promtool", "check", "rules", *map(str, (ROOT / "prometheus" / "rules").glob("*.yml")))
    _check("amtool", "check-config", str(ROOT / "alertmanager" / "alertmanager.yml"))
    if packages.find("amtool") and (faults := render.broken()):
        raise RuntimeFailedError("not reloaded, a message is broken:\n" + "\n".join(faults))
    before = _loaded_at(settings)
    runtime.reload()
    wait_for(
        lambda: _loaded_at(settings) != before,
        what="Prometheus and Alertmanager to load their files",
        seconds=RELOAD_LIMIT_SECONDS,
    )
    print("Reloaded.")
    return 0


# Private


def _check(tool: str, *arguments: str) -> None:
    program = packages.find(tool)
    if program is None:
        # In Docker alone the tools are in the images; the reload itself is the check then.
        return
    result = subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=CHECK_LIMIT_SECONDS,
    )
    if result.returncode:
        raise RuntimeFailedError(f"not reloaded, {tool} refuses:\n{result.stdout}{result.stderr}")


def _loaded_at(settings: Settings) -> tuple[float | None, ...]:
    return tuple(
        api.scraped(settings, part, f"{part}_config_last_reload_success_timestamp_seconds")
        for part in ("prometheus", "alertmanager")
    )
