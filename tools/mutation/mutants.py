"""Every small change of a rule that a test ought to notice: numbers, windows, operators, times."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Rule = dict[str, Any]


class Mutant(NamedTuple):
    """One rule with one change. `change` says which, so that it can be looked up and reviewed."""

    file: str
    name: str
    change: str
    # Which rule of which group of the file it replaces.
    group: int
    place: int
    rule: Rule


def mutants(file: str, content: Rule) -> Iterator[Mutant]:
    """Return the mutants of a rule file, in its order."""
    for group, one in enumerate(content["groups"]):
        for place, rule in enumerate(one["rules"]):
            name = rule.get("alert") or rule["record"]
            for change, changed in _changes(rule):
                yield Mutant(file, name, change, group, place, changed)


# Private

# What a comparison or a set operation is taken for: the neighbour, and the opposite.
_OPERATORS = {
    ">": (">=", "<"),
    ">=": (">", "<"),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    "==": ("!=",),
    "!=": ("==",),
    "and": ("or", "unless"),
    "or": ("and",),
    "unless": ("and",),
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")
# Texts and label lists are no code, and neither are names with a number in them.
_TOKEN = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')
    |(?P<labels>\{[^}]*\}|\b(?:by|on|group_left|group_right)\s*\([^)]*\))
    |(?P<duration>\b\d+[smhd]\b)
    |(?P<name>[a-zA-Z_:][\w:]*)
    |(?P<number>\b\d+(?:\.\d+)?\b)
    |(?P<operator>[<>=!]=|[<>])""",
    re.VERBOSE,
)
# Numbers up to this one are counted on fingers: the next one is another number.
_FINGERS = 10


def _changes(rule: Rule) -> Iterator[tuple[str, Rule]]:
    expression = rule["expr"]
    for number, (start, end, old, new) in enumerate(_edits(expression)):
        changed = expression[:start] + new + expression[end:]
        context = " ".join((expression[max(start - 30, 0) : end + 12]).split())
        yield f"{number}: {old} -> {new} in ...{context}...", {**rule, "expr": changed}
    for key in ("for", "keep_firing_for"):
        if key in rule:
            for new in _durations(rule[key]):
                yield f"{key}: {rule[key]} -> {new}", {**rule, key: new}


def _edits(expression: str) -> Iterator[tuple[int, int, str, str]]:
    for token in _TOKEN.finditer(expression):
        old = token[0]
        if token.lastgroup == "duration":
            others = _durations(old)
        elif token.lastgroup == "number":
            others = _numbers(old)
        else:
            others = _OPERATORS.get(old, ())
        for new in others:
            yield token.start(), token.end(), old, new


def _durations(old: str) -> tuple[str, ...]:
    """Return half and twice the time, in seconds."""
    matched = _DURATION.fullmatch(old)
    assert matched  # noqa: S101 - the rules are ours
    seconds = int(matched[1]) * _UNITS[matched[2]]
    return f"{max(seconds // 2, 1)}s", f"{seconds * 2}s"


def _numbers(old: str) -> tuple[str, ...]:
    number = float(old)
    if number == 0:
        return ("1",)
    if number.is_integer() and number <= _FINGERS:
        return f"{number - 1:g}", f"{number + 1:g}"
    return f"{number * 0.9:.10g}", f"{number * 1.1:.10g}"
