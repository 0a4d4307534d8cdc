"""Fetches programs as Debian packages and unpacks them: no root, nothing installed.

Where packages come from is what this machine's apt is set up with; the suite may be another.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from teal.errors import SetupError

LIMIT_SECONDS = 300
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class UnavailableError(SetupError):
    """A program cannot be had here; the text says why."""


class Program(NamedTuple):
    """An unpacked program: its path, the package's version, and where its libraries are."""

    path: Path
    version: str
    libraries: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the program needs in its environment."""
        return {"LD_LIBRARY_PATH": str(self.libraries)}


def fetch(command: str, packages: Sequence[str], suite: str, cache: Path) -> Program:
    """Return `command` of the first package; the others are libraries. Raises UnavailableError.

    It is fetched once; removing the folder `cache` makes it be fetched again.
    """
    folder = cache / f"{packages[0]}-{suite}"
    if not folder.exists():
        print(f"Fetching {packages[0]} of Debian {suite} ...", flush=True)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        version = unpack(packages, partial / "root", suite=suite)
        (partial / "version").write_text(version, encoding="utf-8")
        partial.rename(folder)
    program = next((path for path in folder.glob(f"root/usr/*bin/{command}")), None)
    if program is None:
        raise UnavailableError(f"package {packages[0]} of {suite} has no {command}")
    version = (folder / "version").read_text(encoding="utf-8")
    libraries = next(folder.glob("root/usr/lib/*-linux-gnu*"), folder / "root" / "usr" / "lib")
    return Program(program, version, libraries)


def unpack(packages: Sequence[str], root: Path, *, suite: str = "") -> str:
    """Download packages and unpack them into a folder; return the version of the first one.

    Without a suite they are those of this machine's. Raises UnavailableError.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"no {tool} here")
    root.mkdir(parents=True, exist_ok=True)
    folder = root.with_name(f"{root.name}.downloads")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        _download(packages, suite, folder)
        for archive in folder.glob("*.deb"):
            _run(["dpkg-deb", "--extract", str(archive), str(root)], folder)
        first = next(folder.glob(f"{packages[0]}_*.deb"))
        return _run(["dpkg-deb", "--field", str(first), "Version"], folder).strip()
    finally:
        shutil.rmtree(folder)


# Private


def _download(packages: Sequence[str], suite: str, folder: Path) -> None:
    if not suite:
        try:
            _run(["apt-get", "download", *packages], folder)
        except UnavailableError:
            # The system's package lists are missing or old. A private copy needs no privilege.
            pass
        else:
            return
    apt = _apt_of_our_own(suite, folder / "apt")
    _run([*apt, "update"], folder)
    _run([*apt, "download", *packages], folder)


def _apt_of_our_own(suite: str, folder: Path) -> list[str]:
    """Return apt-get with lists of its own: those of one suite, or of all that the system uses."""
    for part in ("sources", "state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    options = [
        f"Dir::State={folder / 'state'}",
        "Dir::State::status=/var/lib/dpkg/status",
        f"Dir::Cache={folder / 'cache'}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=",
    ]
    if suite:
        keys = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        source = f"deb {keys}{_archive(folder)} {suite} main\n"
        (folder / "sources" / "suite.list").write_text(source, encoding="utf-8")
        options += ["Dir::Etc::SourceList=/dev/null", f"Dir::Etc::SourceParts={folder / 'sources'}"]
    return ["apt-get", *(word for option in options for word in ("-o", option))]


def _archive(folder: Path) -> str:
    """Return the address of this machine's Debian archive: the one without a suite's suffix."""
    shown = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = _run(["apt-get", "indextargets", "--format", shown, "Created-By: Packages"], folder)
    found = re.search(r"^(\S+/debian/?) [a-z0-9.]+ main$", targets, re.MULTILINE)
    if found is None:
        raise UnavailableError("this machine's apt knows no Debian archive")
    return found[1]


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or "failed").splitlines()[-1]
        raise UnavailableError(f"{command[0]}: {last}") from error
    except (subprocess.SubprocessError, OSError) as error:
        raise UnavailableError(f"{command[0]}: {error}") from error
    return done.stdout
