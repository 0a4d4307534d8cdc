"""Which mutants of the rules the unit tests notice: each is tried in a copy of the rules.

A copy holds only what the mutant can change: the rule, the rules that use its series, and what
those need; and of the tests the scenarios and ticks that look at one of these. Texts are left out.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from tools.mutation.mutants import Mutant, mutants
from tools.mutation.promtool import RULES, Promtool, rule_tests

# A mutant that makes a test so much slower counts as noticed.
LIMIT_SECONDS = 120

Content = dict[str, Any]


class Outcome(NamedTuple):
    """A mutant, and the test that noticed it; None where none did."""

    mutant: Mutant
    killed_by: str | None


class Trial:
    """The rules and their tests, read once."""

    def __init__(self, promtool: Promtool) -> None:
        self._promtool = promtool
        self._files: dict[str, Content] = {
            path.name: yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yml"))
        }
        self._tests: dict[str, Content] = {
            path.name: yaml.safe_load(path.read_text()) for path in rule_tests()
        }
        self._names = {file: set(_expressions(content)) for file, content in self._files.items()}
        expressions = {
            name: expression
            for content in self._files.values()
            for name, expression in _expressions(content).items()
        }
        self._uses = {
            name: {used for used in re.findall(r"[a-z_]+:[\w:]+", expr) if used in expressions}
            for name, expr in expressions.items()
        }

    def mutants(self) -> list[Mutant]:
        """Return the mutants of all rule files."""
        return [one for name, content in self._files.items() for one in mutants(name, content)]

    def controls(self) -> list[Mutant]:
        """Return each rule unchanged: if it is killed, so is a mutant, for no good reason."""
        return [
            Mutant(name, rule.get("alert") or rule["record"], "nothing", group, place, rule)
            for name, content in self._files.items()
            for group, one in enumerate(content["groups"])
            for place, rule in enumerate(one["rules"])
        ]

    def outcomes(self, chosen: Iterable[Mutant], jobs: int) -> Iterator[Outcome]:
        """Return what becomes of each mutant, in their order, `jobs` of them at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(self._try, chosen)

    # Private

    def _try(self, mutant: Mutant) -> Outcome:
        changed = self._reached({mutant.name}, self._users_of)
        concerned = {file for file, names in self._names.items() if names & changed}
        tests = {
            name: reduced
            for name, test in self._tests.items()
            if (reduced := _looking_at(test, changed))["tests"]
            and concerned & set(reduced["rule_files"])
        }
        # A tick may look at other alerts at the same time.
        seen = yaml.safe_dump(list(tests.values()))
        looked_at = changed | {name for name in self._uses if name in seen}
        kept = self._reached(looked_at, self._uses.__getitem__) | {"Watchdog"}
        with TemporaryDirectory(prefix="teal-mutant-") as folder:
            for name, content in self._files.items():
                text = yaml.safe_dump(_only(content, kept, mutant if name == mutant.file else None))
                (Path(folder) / name).write_text(text)
            for name, test in tests.items():
                file = Path(folder) / f"test-{name}"
                file.write_text(yaml.safe_dump(test))
                if not self._passes(file):
                    return Outcome(mutant, name)
        return Outcome(mutant, None)

    def _passes(self, file: Path) -> bool:
        try:
            return self._promtool.test([file], LIMIT_SECONDS)[0]
        except subprocess.TimeoutExpired:
            return False

    def _users_of(self, name: str) -> set[str]:
        return {user for user, used in self._uses.items() if name in used}

    @staticmethod
    def _reached(names: set[str], step: Any) -> set[str]:  # noqa: ANN401 - a function of a name
        """Return the names and all that is reached from them."""
        found, new = set(names), set(names)
        while new:
            new = set().union(*(step(name) for name in new)) - found
            found |= new
        return found


# Private


def _expressions(content: Content) -> dict[str, str]:
    return {
        rule.get("alert") or rule["record"]: rule["expr"]
        for group in content["groups"]
        for rule in group["rules"]
    }


def _only(content: Content, kept: set[str], mutant: Mutant | None) -> Content:
    """Return a rule file with only some rules, one of them changed, and without texts."""
    groups = []
    for number, group in enumerate(content["groups"]):
        rules = [
            mutant.rule if mutant and (number, place) == (mutant.group, mutant.place) else rule
            for place, rule in enumerate(group["rules"])
            if (rule.get("alert") or rule["record"]) in kept
        ]
        bare = [{k: v for k, v in rule.items() if k != "annotations"} for rule in rules]
        groups.append({**group, "rules": bare})
    return {"groups": groups}


def _looking_at(test: Content, names: set[str]) -> Content:
    """Return a test file with only the scenarios and ticks that look at some of the names."""
    # All alerts, or many series, are looked at at once, too.
    many = [r"ALERTS(?!\{alertname)", "__name__=~"]
    anything = re.compile("|".join([*(rf"\b{name}\b" for name in names), *many]))
    kept = []
    for one in test["tests"]:
        alerts = [
            {**tick, "exp_alerts": [{"exp_labels": a["exp_labels"]} for a in tick["exp_alerts"]]}
            for tick in one.get("alert_rule_test", [])
            if tick["alertname"] in names
        ]
        ticks = [t for t in one.get("promql_expr_test", []) if anything.search(t["expr"])]
        if alerts or ticks:
            kept.append({**one, "alert_rule_test": alerts, "promql_expr_test": ticks})
    files = [Path(name).name for name in test["rule_files"]]
    return {**test, "rule_files": files, "tests": kept}
