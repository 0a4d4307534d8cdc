"""ErrorRatioHigh against a model of it in Python, on random histories with resets and gaps.

The model says in Python what the rule says in PromQL; promtool is told to expect what the model
says, at every tick of many histories in one run.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from fix_stack import cannot_run
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st

from teal.debian import UnavailableError
from tools.mutation.promtool import RULES, newest, oldest

TICK = 5
WINDOW = 120
FOR = 10
KEEP = 30
FIRING = 'count(ALERTS{alertname="ErrorRatioHigh",alertstate="firing"})'
LIMIT = {
    rule["record"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
    for rule in yaml.safe_load((RULES / "limits.yml").read_text())["groups"][0]["rules"]
}
# So near to a limit, rounding decides.
NEAR = 1e-6

Sample = tuple[int, float]


@dataclass(frozen=True)
class Phase:
    """Some ticks that are alike: requests and errors a tick, and whether they are scraped."""

    ticks: int
    requests: int
    errors: int
    scraped: bool
    # Whether the counters begin anew with it.
    reset: bool


phases = st.builds(
    Phase,
    ticks=st.integers(1, 15),
    requests=st.one_of(st.integers(0, 3), st.integers(0, 200)),
    errors=st.one_of(st.just(0), st.integers(0, 2), st.integers(0, 20)),
    scraped=st.sampled_from([True] * 5 + [False]),
    reset=st.sampled_from([False] * 7 + [True]),
)
histories = st.lists(phases, min_size=2, max_size=6)


def scrapes(history: list[Phase]) -> dict[str, list[float | None]]:
    """Return the value of each counter at each tick, None where it is not scraped."""
    counters = {"2xx": 0, "5xx": 0}
    found = {name: [0.0] for name in counters}
    for phase in history:
        if phase.reset:
            counters = dict.fromkeys(counters, 0)
        for _ in range(phase.ticks):
            counters["2xx"] += phase.requests
            counters["5xx"] += phase.errors
            for name, value in counters.items():
                found[name].append(float(value) if phase.scraped else None)
    return found


def increase(values: list[float | None], tick: int, *, left_open: bool) -> float | None:
    """Return the growth in the window as PromQL gives it: as if all of it were seen."""
    end, start = tick * TICK, tick * TICK - WINDOW
    samples: list[Sample] = [
        (at * TICK, value)
        for at, value in enumerate(values[: tick + 1])
        if value is not None and (at * TICK > start or (at * TICK == start and not left_open))
    ]
    if len(samples) < 2:
        return None
    grown = sum(new - old if new >= old else new for (_, old), (_, new) in pairwise(samples))
    seen = samples[-1][0] - samples[0][0]
    between = seen / (len(samples) - 1)
    # At an edge of the window that is far away, half a scrape more is assumed; a counter is not
    # assumed to have been below 0.
    before, after = samples[0][0] - start, end - samples[-1][0]
    to_zero = seen * samples[0][1] / grown if grown > 0 else before
    if left_open:
        before = min(before if before < between * 1.1 else between / 2, to_zero)
    else:
        before = min(before, to_zero)
        before = before if before < between * 1.1 else between / 2
    after = after if after < between * 1.1 else between / 2
    return grown * (seen + before + after) / seen


def expected(history: list[Phase], *, left_open: bool) -> list[bool]:
    """Return whether the alert fires, tick by tick, as far as rounding does not decide."""
    found = scrapes(history)
    fires: list[bool] = []
    quiet_since: int | None = None
    high_since: int | None = None
    for tick in range(len(found["2xx"])):
        good, bad = (increase(found[name], tick, left_open=left_open) for name in ("2xx", "5xx"))
        high = False
        if good is not None and bad is not None and good + bad > 0:
            measured = (
                (bad / (good + bad), LIMIT["limit:error_ratio"]),
                (good + bad, LIMIT["limit:error_ratio_requests"]),
                (bad, LIMIT["limit:error_ratio_errors"]),
            )
            if any(abs(value - limit) < NEAR for value, limit in measured):
                break
            high = all(value > limit for value, limit in measured)
        was = bool(fires) and fires[-1]
        if high:
            quiet_since = None
            high_since = tick * TICK if high_since is None else high_since
        else:
            high_since = None
        if not high and was and quiet_since is None:
            quiet_since = tick * TICK
        kept = was and quiet_since is not None and tick * TICK - quiet_since < KEEP
        due = high_since is not None and tick * TICK - high_since >= FOR
        fires.append(due or (high and was) or kept)
    return fires


def as_test(history: list[Phase], *, left_open: bool) -> dict[str, object]:
    """Return the history as promtool's test."""
    return {
        "interval": f"{TICK}s",
        "input_series": [
            {
                "series": f'nginxlog_http_responses_total{{class="{name}"}}',
                "values": " ".join("_" if value is None else f"{value:g}" for value in values),
            }
            for name, values in scrapes(history).items()
        ],
        "promql_expr_test": [
            {
                "expr": FIRING,
                "eval_time": f"{tick * TICK}s",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
            for tick, fires in enumerate(expected(history, left_open=left_open))
        ],
    }


@pytest.mark.parametrize("find", [oldest, newest], ids=["2.42", "3.5"])
def test_the_rule_is_the_model(find):
    """At every tick of every history the rule fires exactly when the model says so."""
    try:
        promtool = find()
    except UnavailableError as error:
        cannot_run(f"promtool: {error}")
    seen = {True: 0, False: 0}

    # Nothing is shrunk: promtool names the tick, and each step of it would take a second.
    @settings(
        max_examples=5,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Step.generate],
    )
    @given(st.lists(histories, min_size=20, max_size=20))
    def compare(many: list[list[Phase]]) -> None:
        # Since 3.0 the oldest edge of a window is not part of it.
        tests = [as_test(history, left_open=find is newest) for history in many]
        for history in many:
            for fires in expected(history, left_open=find is newest):
                seen[fires] += 1
        content = {
            "rule_files": [str(RULES / "limits.yml"), str(RULES / "errors.yml")],
            "evaluation_interval": f"{TICK}s",
            "tests": tests,
        }
        with TemporaryDirectory() as folder:
            file = Path(folder) / "histories.yml"
            file.write_text(json.dumps(content))
            passed, said = promtool.test([file])

        assert passed, said

    compare()
    # A comparison of silence with silence would prove nothing.
    assert min(seen.values()) > sum(seen.values()) / 20, seen
