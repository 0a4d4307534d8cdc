"""Only what stands on make's command line counts, and arrives as it was typed."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
ARGUMENTS = sorted(set(re.findall(r"\$\(call (?:given|quoted|option),([A-Z]+)", MAKEFILE)))


def _would_run(*arguments, **environment):
    said = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout
    return shlex.split(said.replace("\\\n", " "))


def test_every_argument_is_read_from_the_command_line_only():
    """No recipe looks at a variable in another way."""
    used = set(re.findall(r"\$\(([A-Z]+)\)", MAKEFILE)) - {"TEAL", "TOOLS", "MAKEFILE_LIST"}

    assert set() == used


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_what_a_shell_exports_changes_nothing(target):
    """MODE=production and JSON=1 are other programs' business."""
    exported = dict.fromkeys(ARGUMENTS, "production")

    assert _would_run(target) == _would_run(target, **exported)


@pytest.mark.parametrize("value", ["it's", 'a "b" $HOME `id`', "a, b (c)", "x; exit 3"])
def test_an_argument_arrives_as_it_was_typed(value):
    """Whatever a reason, an expression or a name holds."""
    typed = value.replace("$", "$$")

    assert value == _would_run("silence", "ALERT=A", f"WHY={typed}")[-1]
    assert value == _would_run("query", f"Q={typed}")[-1]
    assert value == _would_run("drills", f"ONLY={typed}")[-1]


def test_zero_means_no():
    """As with FOLLOW=0."""
    assert "--json" in _would_run("status", "JSON=1")
    assert "--json" not in _would_run("status", "JSON=0")
    assert "--end" not in _would_run("maintenance", "END=0")
