"""What must be true after a fault beside the front door: lines are counted, alerts arrive."""

import re
import urllib.error
import urllib.request

from bench import Bench

from teal.wait import wait_for

COUNTED_LIMIT_SECONDS = 30
# So often the same number, half a second apart, is no chance.
STEADY = 4
# Prometheus tells Alertmanager everything again every 15 s.
TOLD_LIMIT_SECONDS = 40
PARSED = re.compile(
    r'^nginxlog_exporter_lines_total\{[^}]*result="parsed"[^}]*\} (.*)$', re.MULTILINE
)


def uncounted(bench: Bench) -> float:
    """Return how many lines of the access log are in no counter, once no more come.

    0, unless the pools' addresses were changed: counters begin anew then.
    """
    seen: list[float] = []

    def is_settled() -> bool:
        seen.append(_written(bench) - _counted(bench))
        return len(seen) > STEADY and len(set(seen[-STEADY:])) == 1

    wait_for(is_settled, what="the log to come to rest", seconds=COUNTED_LIMIT_SECONDS, poll=0.5)
    return seen[-1]


def assert_every_line_is_counted(bench: Bench, before: float) -> None:
    """Whatever died, the exporter has counted each line once, but what `uncounted` was before."""
    wait_for(
        lambda: _written(bench) - _counted(bench) == before,
        what=f"the exporter to count every line ({_counted(bench)} of {_written(bench)} now, "
        f"{before} began before its counters)",
        seconds=COUNTED_LIMIT_SECONDS,
    )


def assert_alerts_arrive(bench: Bench) -> None:
    """Prometheus reaches Alertmanager, and a message of Alertmanager reaches the inbox."""
    wait_for(
        lambda: "Watchdog" in _get(bench, "alertmanager", "/api/v2/alerts"),
        what="Prometheus to tell Alertmanager that it watches",
        seconds=TOLD_LIMIT_SECONDS,
    )
    done = bench.run("slack-test")
    bench.commands.pop()
    assert not done.code, done.said


# Private


def _counted(bench: Bench) -> float:
    return sum(float(n) for n in PARSED.findall(_get(bench, "exporter", "/metrics")))


def _written(bench: Bench) -> int:
    count = 0
    for path in (bench.folder / bench.runtime / "log").glob("access.log*"):
        with path.open("rb") as log:
            count += sum(block.count(b"\n") for block in iter(lambda f=log: f.read(1 << 20), b""))
    return count


def _get(bench: Bench, part: str, path: str) -> str:
    try:
        url = f"http://127.0.0.1:{bench.ports[part]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (OSError, urllib.error.HTTPError):
        return ""
