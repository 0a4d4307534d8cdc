"""Fetches programs as Debian packages of any suite and unpacks them: no root, nothing installed.

Where packages come from is what this machine's apt is set up with; only the suite is another.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LIMIT_SECONDS = 300
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class UnavailableError(Exception):
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
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise UnavailableError(f"no {tool} here")
        print(f"Fetching {packages[0]} of Debian {suite} ...", flush=True)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _download(packages, suite, partial)
        partial.rename(folder)
    program = next((path for path in folder.glob(f"root/usr/*bin/{command}")), None)
    if program is None:
        raise UnavailableError(f"package {packages[0]} of {suite} has no {command}")
    version = (folder / "version").read_text(encoding="utf-8")
    libraries = next(folder.glob("root/usr/lib/*-linux-gnu*"), folder / "root" / "usr" / "lib")
    return Program(program, version, libraries)


# Private


def _download(packages: Sequence[str], suite: str, folder: Path) -> None:
    apt = _apt_with_suite(suite, folder / "apt")
    _run([*apt, "update"], folder)
    _run([*apt, "download", *packages], folder)
    for archive in folder.glob("*.deb"):
        _run(["dpkg-deb", "--extract", str(archive), str(folder / "root")], folder)
    first = next(folder.glob(f"{packages[0]}_*.deb"))
    version = _run(["dpkg-deb", "--field", str(first), "Version"], folder).strip()
    (folder / "version").write_text(version, encoding="utf-8")
    shutil.rmtree(folder / "apt")


def _apt_with_suite(suite: str, folder: Path) -> list[str]:
    """Return apt-get with lists of its own, for one suite."""
    for part in ("sources", "state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    keys = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    source = f"deb {keys}{_archive(folder)} {suite} main\n"
    (folder / "sources" / "suite.list").write_text(source, encoding="utf-8")
    options = [
        "Dir::Etc::SourceList=/dev/null",
        f"Dir::Etc::SourceParts={folder / 'sources'}",
        f"Dir::State={folder / 'state'}",
        "Dir::State::status=/var/lib/dpkg/status",
        f"Dir::Cache={folder / 'cache'}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=",
    ]
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
