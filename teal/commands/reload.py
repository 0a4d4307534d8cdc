"""Have what changed take effect: limits, rules, routes, messages, nginx's templates.

Everything is checked first, and only the parts whose files changed are told. A change of .env wants
`make up`.
"""

import argparse
import subprocess

from teal.bootstrap import ROOT
from teal.choose import choose
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack import changed, message_check, servers
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
    if servers.find("amtool") and (faults := message_check.broken()):
        raise RuntimeFailedError("not reloaded, a message is broken:\n" + "\n".join(faults))
    before = {part: changed.loaded_at(settings, part) for part in changed.PARTS}
    told = runtime.reload()
    for part in set(told) & set(changed.PARTS):
        wait_for(
            lambda part=part: changed.loaded_at(settings, part) not in (None, before[part]),  # type: ignore[misc]
            what=f"{part} to load its files",
            seconds=RELOAD_LIMIT_SECONDS,
        )
    print(f"Reloaded: {', '.join(told)}." if told else "Nothing has changed.")
    return 0


# Private


def _check(tool: str, *arguments: str) -> None:
    program = servers.find(tool)
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
