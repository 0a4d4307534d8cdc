"""The private Python environment of the commands: made once, renewed when its lock file changes.

This module and `__main__` run on the system's Python, before anything is installed: they
import nothing that needs more than the standard library.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from teal.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".teal"
ENVIRONMENT = HOME / "venv"
# Commands read the log with the exporter's own parser; it is a product of its own.
EXPORTER = ROOT / "exporter" / "src"
MINIMUM_PYTHON = (3, 11)
INSTALL_LIMIT_SECONDS = 600


def enter_environment(
    program: str, arguments: list[str], *, locks: Sequence[str] = ("requirements.txt",)
) -> None:
    """Go on in the private environment, which is made first where it is missing or out of date.

    `locks` are the lock files whose packages must be there. Replaces this process by
    `python -m program arguments`, unless it already runs there. Raises SetupError.
    """
    if sys.version_info < MINIMUM_PYTHON:
        raise SetupError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    for lock in locks:
        _install(ROOT / lock)
    sys.path.append(str(EXPORTER))
    if Path(sys.prefix) != ENVIRONMENT:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(_python(), [str(_python()), "-m", program, *arguments])  # noqa: S606 - ourselves


def is_installed() -> bool:
    """Whether what the commands need is there; it may be out of date."""
    return _python().exists()


# Private


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _install(lock: Path) -> None:
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    installed = ENVIRONMENT / f"{lock.stem}.installed"
    if installed.exists() and installed.read_text() == wanted and _python().exists():
        return
    if not _python().exists():
        _make_environment()
    print(f"Installing the Python packages of {lock.name} into .teal/venv ...", flush=True)
    _run(
        [str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--require-hashes", "--requirement", str(lock)],
        failed=f"could not install {lock.name}; is the network up?",
    )  # fmt: skip
    installed.write_text(wanted)


def _make_environment() -> None:
    if (
        shutil.which("python3")
        and subprocess.run(
            [sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False
        ).returncode
    ):
        raise SetupError("Python's venv is missing; on Debian: apt-get install python3-venv")
    HOME.mkdir(exist_ok=True)
    _run(
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        failed="could not make .teal/venv",
    )


def _run(command: list[str], *, failed: str) -> None:
    log = HOME / "setup.log"
    try:
        with log.open("ab") as output:
            subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=INSTALL_LIMIT_SECONDS,
            )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{failed} (details: .teal/{log.name})") from error
