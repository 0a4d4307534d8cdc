"""npm's packages of the preview and of the types, by their lock file, and what they bring."""

import os
import shutil
import subprocess
from pathlib import Path

from teal.bootstrap import ROOT

HERE = Path(__file__).resolve().parent
# Fetched once; removing this folder has them fetched again.
FOLDER = ROOT / ".teal" / "preview"
LIMIT_SECONDS = 300


class PackagesError(Exception):
    """A program is missing, or failed; the message says which and why."""


def install() -> None:
    """Fetch what the lock file names, if that was not done yet. Raises PackagesError."""
    npm = shutil.which("npm")
    if npm is None:
        raise PackagesError("npm is missing; on Debian: apt-get install nodejs npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    installed = FOLDER / "installed.json"
    if installed.exists() and installed.read_text() == lock:
        return
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, FOLDER / name)
    checked(npm, "ci", "--ignore-scripts", "--no-progress", folder=FOLDER)
    installed.write_text(lock)


def run(program: str, *arguments: str) -> str:
    """Run a program of these packages and return what it printed. Raises PackagesError."""
    install()
    return checked(str(FOLDER / "node_modules" / ".bin" / program), *arguments)


def checked(*command: str, folder: Path = ROOT) -> str:
    """Run any program and return what it printed. Raises PackagesError."""
    result = subprocess.run(
        command,
        cwd=folder,
        # Our own files lie elsewhere than the packages that they import.
        env={**os.environ, "NODE_PATH": str(FOLDER / "node_modules")},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if result.returncode:
        raise PackagesError(f"{Path(command[0]).name} failed: {result.stderr or result.stdout}")
    return result.stdout
