"""`--check-config`: are the settings right, and does the format match the lines of a log."""

import re
from collections.abc import Iterable, Iterator

from nginxlog_exporter.config import Settings
from nginxlog_exporter.metrics.families import COUNTERS, GAUGES, HISTOGRAMS
from nginxlog_exporter.metrics.family import FEATURES
from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.parser import plain_ends

# Lines that do not match and are shown in full.
SHOWN = 3
# A line is shown up to this many bytes around the place where it stops matching.
AROUND = 60


def report(
    settings: Settings, line_format: LineFormat, sample: Iterable[bytes]
) -> tuple[bool, list[str]]:
    """Return whether all is well, and the report line by line."""
    text = [
        f"settings   right; pools: {_pools(settings)}",
        f"log_format {settings.log_format.name}: has {', '.join(sorted(line_format.fields))}",
        *_web(settings),
        *_switched_off(settings, line_format),
    ]
    lines = [plain_ends(line).removesuffix(b"\n") for line in sample]
    bad = [shown for line in lines if (shown := mismatch(line_format, line))]
    if lines:
        text.append(f"sample     {len(lines) - len(bad)} of {len(lines)} lines match")
    for shown in bad[:SHOWN]:
        text += ["", *shown]
    return not bad, text


def mismatch(line_format: LineFormat, line: bytes) -> list[str]:
    """Show a line, a caret where it stops matching the format, and what was expected there.

    Returns nothing for a line that matches to its end.
    """
    at = 0
    for token in line_format.tokens:
        match = re.compile(token.pattern.exact).match(line, at)
        if match is None:
            return _shown(line, at, token.shown)
        at = match.end()
    return _shown(line, at, "the end of the line") if at < len(line) else []


# Private


def _shown(line: bytes, at: int, expected: str) -> list[str]:
    start = max(at - AROUND, 0)
    shown = line[start : at + AROUND].decode("latin-1")
    printable = "".join(char if char.isprintable() else "?" for char in shown)
    return [f"  {printable}", f"  {' ' * (at - start)}^ byte {at + 1}: expected {expected}"]


def _pools(settings: Settings) -> str:
    if not settings.pools.names:
        return "one for each address"
    defaults = [pools[0] for pools in settings.pools.groups.values()]
    named = (f"{name} (default)" if name in defaults else name for name in settings.pools.names)
    return ", ".join(named)


def _web(settings: Settings) -> Iterator[str]:
    if settings.web_config:
        protections = settings.web_config.current().protections
        yield f"web        protected by {', '.join(protections) or 'nothing'}"


def _switched_off(settings: Settings, line_format: LineFormat) -> Iterator[str]:
    known = line_format.fields | ({"desired"} if settings.desired_dir else set())
    for family in (*COUNTERS, *HISTOGRAMS, *GAUGES):
        missing = [f"${name}" for name in family.needs if name not in (*known, *FEATURES)]
        unset = [name for name in family.needs if name in FEATURES and not settings.has(name)]
        if missing:
            yield f"off        {family.name}: the format lacks {', '.join(missing)}"
        elif unset:
            variables = ", ".join(f"NGINXLOG_{name.upper()}" for name in unset)
            yield f"off        {family.name}: without {variables}"
