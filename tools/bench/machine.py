"""Says what machine the figures are from: they mean nothing without it."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path


def describe() -> str:
    """Return cores, CPU, system, Python and date in one line."""
    return (
        f"{os.cpu_count()} cores of {_cpu()}, {_system()}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )


# Private


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
