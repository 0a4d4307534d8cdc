"""Runs one scenario on a running stack: quiet, fault, messages, mended, resolved, judged."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

import requests

from teal import api
from teal.drills.lab import Lab
from teal.drills.quiet import is_calm
from teal.drills.scenarios import Scenario
from teal.drills.shown import shown_as_drill
from teal.drills.traffic import Traffic
from teal.errors import WaitedTooLongError
from teal.settings import Settings
from teal.wait import wait_for

# All that came before has to be told and resolved. The longest is to see that traffic is steady.
QUIET_LIMIT_SECONDS = 1500
WARM_UP_SECONDS = 5
# A second message would have come by then.
LINGER_SECONDS = 8
LONGEST_SECONDS = 1800


@dataclass(kw_only=True)
class Outcome:
    """What a scenario gave; `broken` says which promises were not kept."""

    scenario: Scenario
    # Alert -> seconds from the fault to its message, and from its end to the resolved one.
    told: dict[str, float] = field(default_factory=dict)
    resolved: dict[str, float] = field(default_factory=dict)
    sent: int = 0
    failed: int = 0
    broken: list[str] = field(default_factory=list)


def run(scenario: Scenario, lab: Lab) -> Outcome:
    """Run a scenario. Raises WaitedTooLongError if the stack does not become quiet before it."""
    settings = lab.settings
    outcome = Outcome(scenario=scenario)
    with ExitStack() as traffic:
        loads = _begin(scenario, settings, traffic)
        _wait_until_quiet(settings)
        lab.pause(WARM_UP_SECONDS)
        for expression in scenario.needs:
            _wait_until_known(settings, expression)
        before = max((message.id for message in api.messages(settings)), default=0)
        failed_before = sum(load.result.failed for load in loads)
        if scenario.silences:
            traffic.close()
        began = time.time()
        with shown_as_drill(lab.runtime.layout), scenario.fault(lab):
            _await(_firing(scenario), settings, before, seconds=scenario.within)
            lab.pause(scenario.stays)
        ended = time.time()
        if scenario.silences:
            loads += _begin(scenario, settings, traffic)
        everything = _firing(scenario) + _after_it(scenario)
        _await(everything, settings, before, seconds=scenario.resolves_within)
        lab.pause(LINGER_SECONDS)
        outcome.sent = sum(load.result.sent for load in loads)
        outcome.failed = sum(load.result.failed for load in loads) - failed_before
    judge(outcome, _messages(settings, before), began, ended)
    return outcome


def judge(outcome: Outcome, messages: list[api.Message], began: float, ended: float) -> None:
    """Note in the outcome what was told, and each promise that these messages break.

    `began` and `ended` are those of the fault, in seconds since the epoch.
    """
    scenario = outcome.scenario
    counts = Counter((_alert(message), message.state) for message in messages)
    for message in messages:
        if message.state != "resolved":
            outcome.told.setdefault(_alert(message), message.received - began)
        else:
            outcome.resolved.setdefault(_alert(message), message.received - ended)
    promised = _firing(scenario) + _after_it(scenario)
    for name, state in sorted(promised | counts):
        wanted, came = promised[name, state], counts[name, state]
        if wanted != came:
            outcome.broken.append(f"{name} {state}: {came} messages instead of {wanted}")
    for name, after in outcome.told.items():
        if after > scenario.within:
            outcome.broken.append(f"{name} was told after {after:.1f} s")
    if outcome.failed and not scenario.costs_requests:
        outcome.broken.append(f"{outcome.failed} of {outcome.sent} requests failed")


# Private

# The alert, and what was told of it.
_Told = tuple[str, str]


def _begin(scenario: Scenario, settings: Settings, traffic: ExitStack) -> list[Traffic]:
    """Begin to send the scenario's requests, until `traffic` is closed."""
    return [
        traffic.enter_context(
            Traffic(
                f"{settings.front}/", rate=load.rate, method=load.method, seconds=LONGEST_SECONDS
            )
        )
        for load in scenario.loads
    ]


def _firing(scenario: Scenario) -> Counter[_Told]:
    """Return the messages that are due while the fault is on."""
    return Counter(
        [
            *((name, "firing") for name in scenario.tells),
            *((name, "info") for name in scenario.informs),
        ]
    )


def _after_it(scenario: Scenario) -> Counter[_Told]:
    """Return those that are due once it is over."""
    return Counter(
        [
            *((name, "resolved") for name in scenario.tells),
            *((name, "info") for name in scenario.informs_back),
        ]
    )


def _wait_until_quiet(settings: Settings) -> None:
    wait_for(
        lambda: is_calm(settings),
        what="what happened before to be told and resolved (see make status)",
        seconds=QUIET_LIMIT_SECONDS,
    )


def _wait_until_known(settings: Settings, expression: str) -> None:
    wait_for(
        lambda: bool(api.query(settings, expression)),
        what=f"Prometheus to know what the drill needs: {expression}",
        seconds=QUIET_LIMIT_SECONDS,
    )


def _messages(settings: Settings, before: int) -> list[api.Message]:
    try:
        return api.messages(settings, since=before)
    except requests.RequestException:
        return []


def _await(wanted: Counter[_Told], settings: Settings, before: int, *, seconds: float) -> None:
    """Wait for the messages that are promised; that they are late or missing is judged later."""
    try:
        wait_for(
            lambda: wanted <= Counter(map(_told, _messages(settings, before))),
            what="the messages",
            seconds=seconds + LINGER_SECONDS,
        )
    except WaitedTooLongError:
        return


def _alert(message: api.Message) -> str:
    return message.footer.rpartition(" · ")[2]


def _told(message: api.Message) -> _Told:
    return _alert(message), message.state
