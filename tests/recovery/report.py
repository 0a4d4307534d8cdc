"""Set measurements side by side: a table in Markdown of what each fault and command cost.

    python3 tests/recovery/report.py before-docker.json after-docker.json

One file gives one column of each kind. Of several runs of an entry the worst one counts, but for
those in which the machine was too busy to send the requests in time.
"""

import argparse
import json
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def table(files: list[list[Result]]) -> str:
    """Return the table; the first file says which entries there are, and in which order."""
    worst = [_worst(results) for results in files]
    titles = ["before", "after"][: len(files)] if len(files) > 1 else [""]
    columns = [f"{kind} {title}".strip() for kind in _KINDS for title in titles]
    names = list(dict.fromkeys(name for results in worst for name in results))
    lines = [_row(["fault or command", *columns]), _row(["---"] * (len(columns) + 1))]
    for name in names:
        found = [results.get(name) for results in worst]
        lines.append(_row([name, *(show(each) for show in _KINDS.values() for each in found)]))
    return "\n".join(lines) + "\n"


# Private


def _failed(result: Result, method: str) -> int:
    return sum(result.get(method, {}).get("failed", {}).values())


def _worst(results: list[Result]) -> dict[str, Result]:
    found: dict[str, Result] = {}
    calm = {result["entry"] for result in results if not result.get("busy")}
    for result in results:
        if result.get("busy") and result["entry"] in calm:
            continue
        known = found.get(result["entry"])
        if known is None or _badness(result) > _badness(known):
            found[result["entry"]] = result
    return found


def _badness(result: Result) -> tuple[bool, bool, int]:
    lost = _failed(result, "GET") + _failed(result, "POST")
    return result["well_after_seconds"] is None, result["broken"], lost


def _requests(method: str, result: Result | None) -> str:
    if result is None or method not in result:
        return "-"
    return f"{_failed(result, method):,} of {result[method]['sent']:,}"


def _gap(result: Result | None) -> str:
    seconds = result.get("longest_gap_seconds") if result else None
    return "-" if seconds is None else f"{seconds:.1f} s"


def _well(result: Result | None) -> str:
    if result is None:
        return "-"
    well = result["well_after_seconds"]
    mended = f"; mended by {result['mended_by']}" if "mended_by" in result else ""
    said = "never" + mended if well is None else f"{well:g} s"
    return said + (f" ({_short(result['note'])})" if result["broken"] else "")


def _short(note: str) -> str:
    return " ".join(note.split()).replace("|", "\\|")[:160]


_KINDS = {
    "failed GET": lambda result: _requests("GET", result),
    "failed POST": lambda result: _requests("POST", result),
    "longest gap": _gap,
    "well again": _well,
}


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="+", help="one JSON file, or before and after")
    print(table([json.loads(path.read_text()) for path in parser.parse_args().results]), end="")
