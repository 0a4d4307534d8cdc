"""Run the tests that `make test` leaves out, part by part (tests/long.yml), and note what passed.

With --changed only the parts whose code is not what it was when they last passed: what CI does. A
part that passes is noted in .ci/passed.json; commit it with the change.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from teal import table
from teal.bootstrap import ROOT
from teal.settings import Settings
from teal.stack import servers

PARTS = ROOT / "tests" / "long.yml"
PASSED = ROOT / ".ci" / "passed.json"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the long tests: what runs, in which environment, and what it is about."""

    about: str
    minutes: float
    run: list[str]
    code: list[str]
    environment: dict[str, str]

    def digest(self, root: Path) -> str:
        """Return the SHA-256 of its definition and its code.

        Raises FileNotFoundError for a path that is not in the repository.
        """
        tracked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        digest = hashlib.sha256(json.dumps([self.run, self.environment]).encode())
        for path in self.code:
            names = subprocess.run(
                [*tracked, path], cwd=root, capture_output=True, check=True, timeout=60
            ).stdout.split(b"\0")
            found = sorted(name.decode() for name in names if name)
            if not found:
                raise FileNotFoundError(f"tests/long.yml: no file of the repository is at {path}")
            for name in found:
                if (root / name).exists():
                    digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
        return digest.hexdigest()


def parts() -> dict[str, Part]:
    """Return all parts by name."""
    return {
        name: Part(**{"environment": {}, **fields})
        for name, fields in yaml.safe_load(PARTS.read_text()).items()
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make test-long` takes."""
    parser.add_argument("part", nargs="*", help=f"default all: {', '.join(parts())}")
    parser.add_argument(
        "--minutes", type=float, help="begin no part that would not end in this time"
    )
    parser.add_argument(
        "--changed", action="store_true", help="only what has changed since it passed"
    )


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Run the parts, and say which passed."""
    every = parts()
    unknown = set(arguments.part) - set(every)
    if unknown:
        print(f"teal: no part {', '.join(sorted(unknown))}; there are {', '.join(every)}")
        return 2
    servers.fetch_missing()
    end = time.monotonic() + 60 * (arguments.minutes or float("inf"))
    rows = []
    for name, part in every.items():
        if arguments.part and name not in arguments.part:
            continue
        digest = part.digest(ROOT)
        if arguments.changed and _passed().get(name) == digest:
            rows.append([name, "has not changed since it passed", ""])
            continue
        if time.monotonic() + 60 * part.minutes > end:
            rows.append([name, f"left out: takes {part.minutes:g} minutes, there is no time", ""])
            continue
        print(f"== {name}: {part.about}", flush=True)
        began = time.monotonic()
        failed = [command for command in part.run if _run(command, part.environment)]
        if not failed:
            PASSED.write_text(json.dumps({**_passed(), name: digest}, indent=2) + "\n")
        said = f"failed: {'; '.join(failed)}" if failed else "passed"
        rows.append([name, said, f"{time.monotonic() - began:.0f} s"])
    print(table.render(["part", "", "took"], rows))
    return 1 if any(said.startswith("failed") for _, said, _ in rows) else 0


# Private


def _passed() -> dict[str, str]:
    found: dict[str, str] = json.loads(PASSED.read_text()) if PASSED.exists() else {}
    return found


def _run(command: str, environment: dict[str, str]) -> int:
    # No time limit here: each test has its own, and so has each wait of the others.
    return subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    ).returncode
