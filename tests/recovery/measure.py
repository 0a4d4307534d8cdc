"""Measure what faults and commands cost: failed requests under 400 a second, and until all is well.

    python3 tests/recovery/measure.py --teal CHECKOUT --runtime docker --results before-docker.json

Works on any checkout of Teal with .teal/venv made: it uses its commands, HTTP, and what its runner
offers. In Docker the stack runs on an engine of its own, which may be killed (root only).
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from bench import Bench, own_bench  # noqa: E402
from changes import build, changes  # noqa: E402
from faults import Entry, NotAsPromisedError, faults  # noqa: E402
from load import Load  # noqa: E402

from teal.errors import WaitedTooLongError  # noqa: E402
from teal.wait import wait_for  # noqa: E402

# Of load before the fault, and after all is well.
PAUSE_SECONDS = 3.0
# Of load that must do well beforehand; a request may take so long then.
CALM_SECONDS = 2
CALM_SLOWEST = 1.0
CALM_LIMIT_SECONDS = 300
# So late were the clients themselves that what failed says nothing; then the entry is done again.
BUSY_SECONDS = 0.7
_MOST_BUSY_RUNS = 2


def entries(bench: Bench) -> list[Entry]:
    """Return all there are for the way this stack runs."""
    every = [*faults(bench.runner.parts()), *changes()]
    return [entry for entry in every if bench.runtime in entry.runtimes]


def prepare(bench: Bench, entry: Entry) -> None:
    """Bring a stack to where an entry begins, and wait until all is well."""
    for habit in entry.images:
        build(habit)
    bench.become(entry.settings)


def measure(bench: Bench, entry: Entry, *, pause: float = PAUSE_SECONDS) -> dict[str, Any]:
    """Bring a stack that is well to the entry's start, do it under load, and say what it cost.

    `well_after_seconds` is from the beginning of the fault; None: not within the entry's limit.
    `broken`: something else than requests was not as promised, and `note` says what.
    """
    prepare(bench, entry)
    _wait_until_the_machine_is_calm(bench, entry)
    bench.commands.clear()
    bench.beside.clear()
    if not entry.loaded:
        seen = _done(bench, entry)
        counts: dict[str, Any] = dict(bench.beside)
    else:
        get, post = entry.paths
        with Load(bench.front, get=get, post=post) as load:
            time.sleep(pause)
            seen = _done(bench, entry)
            time.sleep(pause)
            counts = load.stop()
    return {
        "entry": entry.name,
        "runtime": bench.runtime,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S"),
        **seen,
        "commands": [vars(command) for command in bench.commands],
        **counts,
    }


def failed(result: dict[str, Any], method: str) -> int:
    """Return how many requests of a method failed."""
    return sum(result.get(method, {}).get("failed", {}).values())


def summary(result: dict[str, Any]) -> str:
    """Return one line: what failed, for how long, and whether all was well in the end."""
    counts = ", ".join(
        f"{method} {failed(result, method)} of {result[method]['sent']} {result[method]['failed']}"
        for method in ("GET", "POST")
        if method in result
    )
    well = result["well_after_seconds"]
    over = f"well after {well} s" if well is not None else "NOT WELL"
    over += ", NOT AS PROMISED" if result["broken"] else ""
    gap = result.get("longest_gap_seconds", "-")
    late = result.get("latest_start_seconds", "-")
    return f"{counts}; gap {gap} s; {over}; late {late}; {result['note']}"


def save(results: Path, result: dict[str, Any]) -> None:
    """Add a result to a JSON file."""
    saved = json.loads(results.read_text()) if results.exists() else []
    results.write_text(json.dumps([*saved, result], indent=1) + "\n")


# Private


def _wait_until_the_machine_is_calm(bench: Bench, entry: Entry) -> None:
    """Send the same load without any fault: what fails then is none of the entry's."""

    def calm() -> bool:
        get, post = entry.paths
        with Load(bench.front, get=get, post=post, seconds=CALM_SECONDS) as load:
            seen = load.wait()
        slowest = max(seen[method]["slowest_seconds"] for method in ("GET", "POST"))
        return not failed(seen, "GET") and not failed(seen, "POST") and slowest < CALM_SLOWEST

    wait_for(calm, what="the machine to serve the load", seconds=CALM_LIMIT_SECONDS, poll=5)


def _done(bench: Bench, entry: Entry) -> dict[str, Any]:
    began = time.monotonic()
    broken = False
    try:
        note = entry.do(bench)
    except (WaitedTooLongError, NotAsPromisedError) as error:
        note, broken = str(error), True
    left = max(5.0, entry.limit - (time.monotonic() - began))
    try:
        wait_for(lambda: entry.over(bench), what="all to be well", seconds=left, poll=0.2)
        well = round(time.monotonic() - began, 1)
    except WaitedTooLongError:
        well = None
    return {"note": note, "broken": broken, "well_after_seconds": well}


def main() -> None:
    """Measure the entries that were asked for; each result is saved at once."""
    options = _options()
    # In the background a shell has interrupts ignored; whatever ends this, the stack goes with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    saved = json.loads(options.results.read_text()) if options.results.exists() else []
    with own_bench(
        options.teal.resolve(), options.runtime, data=options.data, flags=options.dockerd or []
    ) as bench:
        for entry in entries(bench):
            if options.only and not any(word in entry.name for word in options.only):
                continue
            if options.missing and entry.name in {each["entry"] for each in saved}:
                continue
            runs = 0
            while runs < options.times + _MOST_BUSY_RUNS:
                result = measure(bench, entry)
                result["busy"] = result.get("latest_start_seconds", 0) > BUSY_SECONDS
                print(f"{entry.name}: {summary(result)}", flush=True)
                if result["well_after_seconds"] is None:
                    bench.settings = {}
                    result["mended_by"] = bench.mend()
                    print(f"  mended by {result['mended_by']}", flush=True)
                save(options.results, result)
                runs += 1
                if runs >= options.times and not result["busy"]:
                    break


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teal", type=Path, required=True, help="the checkout to be measured")
    parser.add_argument("--runtime", choices=("docker", "local"), required=True)
    parser.add_argument("--results", type=Path, required=True, help="a JSON file, added to")
    parser.add_argument("--only", action="append", help="entries whose name holds this")
    parser.add_argument("--missing", action="store_true", help="entries without a result so far")
    parser.add_argument("--times", type=int, default=1, help="how often each")
    parser.add_argument("--data", type=Path, help="keeps the engine's data between runs")
    parser.add_argument(
        "--dockerd", action="append", help="a flag for the engine, as --dockerd=--mtu=1400"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
