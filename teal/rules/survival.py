"""Which mutants of the rules the unit tests notice: each is tried in a copy of the rules."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import yaml

from teal.rules.mutants import Mutant, mutants
from teal.rules.promtool import RULES, TESTS, Promtool, rule_tests

# A mutant may make a test slow, never a tenth as fast: it counts as noticed then.
LIMIT_SECONDS = 60


class Outcome(NamedTuple):
    """A mutant, and the test that noticed it; None where none did."""

    mutant: Mutant
    killed_by: str | None


def all_mutants() -> list[Mutant]:
    """Return the mutants of all rule files."""
    return [
        mutant
        for path in sorted(RULES.glob("*.yml"))
        for mutant in mutants(path.name, yaml.safe_load(path.read_text()))
    ]


def tried(chosen: Iterable[Mutant], promtool: Promtool, jobs: int) -> Iterator[Outcome]:
    """Return what becomes of each mutant, in their order, `jobs` of them at a time."""
    tests = {path: path.read_text() for path in rule_tests()}
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_try, promtool, tests), chosen)


def _try(promtool: Promtool, tests: dict[Path, str], mutant: Mutant) -> Outcome:
    with TemporaryDirectory(prefix="teal-mutant-") as folder:
        rules = Path(folder) / RULES.relative_to(RULES.parents[1])
        shutil.copytree(RULES, rules)
        content = yaml.safe_load((rules / mutant.file).read_text())
        content["groups"][mutant.group]["rules"][mutant.place] = mutant.rule
        (rules / mutant.file).write_text(yaml.safe_dump(content))
        copies = Path(folder) / TESTS.relative_to(RULES.parents[1])
        copies.mkdir(parents=True)
        for path in _concerned(tests, mutant):
            copy = copies / path.name
            copy.write_text(tests[path])
            try:
                content_with_it, _ = promtool.test([copy], LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                content_with_it = False
            if not content_with_it:
                return Outcome(mutant, path.name)
    return Outcome(mutant, None)


def _concerned(tests: dict[Path, str], mutant: Mutant) -> Sequence[Path]:
    """Return the tests that load the mutant's rules, those first that speak of it.

    Every test loads the limits; of a limit, those are concerned whose rules use it.
    """
    found = [path for path, text in tests.items() if f"/{mutant.file}" in text]
    if mutant.name.startswith("limit:"):
        users = [
            p.name for p in RULES.glob("*.yml") if re.search(rf"{mutant.name}\b", p.read_text())
        ]
        users = [name for name in users if name not in (mutant.file, "meta.yml")] or ["meta.yml"]
        found = [path for path in found if any(f"/{user}" in tests[path] for user in users)]
    return sorted(found, key=lambda path: (mutant.name not in tests[path], len(tests[path])))
