"""Runs one scenario on a running stack: steady state, fault, messages, verdicts."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import requests

from teal.clients import Clients
from teal.clients.inbox import Message
from teal.drills.drill_marker import drill_marked
from teal.drills.faults import Faults
from teal.drills.judge import Seen, Told, Verdict, alert_and_state, judge
from teal.drills.scenarios import Scenario
from teal.drills.steady_state import is_steady, why_late
from teal.drills.timeline import Event, Timeline
from teal.drills.traffic import Traffic
from teal.errors import WaitedTooLongError
from teal.wait import wait_for

# All that came before has to be resolved. The longest is to see that traffic is steady.
STEADY_LIMIT_SECONDS = 1500
# So long somebody watches a drill wait.
WATCHED_STEADY_LIMIT_SECONDS = 120
ACTIVE_LIMIT_SECONDS = 15
WARM_UP_SECONDS = 5
BACK_LIMIT_SECONDS = 30
# A second message would have come by then.
LINGER_SECONDS = 8
LONGEST_SECONDS = 1800


@dataclass(frozen=True)
class Outcome:
    """What a scenario gave, and what that says of each promise."""

    scenario: Scenario
    seen: Seen
    verdicts: list[Verdict]

    @property
    def broken(self) -> list[Verdict]:
        """The promises that were not kept."""
        return [verdict for verdict in self.verdicts if not verdict.kept]


def run(
    scenario: Scenario,
    faults: Faults,
    *,
    watched: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run a scenario.

    `watched` is for a person who waits: the timeline is noted, and pauses that would only tell a
    late message from none are left out. Raises WaitedTooLongError if the stack does not become
    steady before the fault.
    """
    drill = _Drill(scenario, faults, watched=watched, tell=tell)
    with drill.timeline if watched else nullcontext(), drill.traffic:
        seen = drill.run()
    return Outcome(scenario, seen, judge(scenario, seen))


# Private


class _Drill:
    """One run of a scenario."""

    def __init__(
        self, scenario: Scenario, faults: Faults, *, watched: bool, tell: Callable[[str], None]
    ) -> None:
        self.traffic = ExitStack()
        self._scenario = scenario
        self._faults = faults
        self._clients: Clients = faults.clients
        self._watched = watched
        self._tell = tell
        self._sees_messages = not faults.settings.uses_real_slack
        self._desired = faults.desired
        self._last_message = 0
        self.timeline = Timeline(
            self._clients,
            faults.runtime.layout.access_log,
            desired=self._desired,
            sees_messages=self._sees_messages,
        )

    def run(self) -> Seen:
        scenario = self._scenario
        loads = self._begin_traffic()
        self._wait_until_steady()
        self._last_message = self._clients.inbox.latest() if self._sees_messages else 0
        failed_before = sum((load.result.reasons for load in loads), Counter())
        if scenario.silences:
            self.traffic.close()
        self._tell(f"Traffic flows ({self._rate():g} requests a second). The fault begins now.")
        began = time.time()
        self.timeline.note(Event.FAULT, began)
        with drill_marked(self._faults.runtime.layout), scenario.fault(self._faults):
            if self._sees_messages:
                self._await_messages(scenario.messages_of_the_fault, scenario.within)
            elif scenario.messages_of_the_fault:
                self._await_event(Event.FIRING, scenario.within + LINGER_SECONDS)
            self._faults.pause(scenario.stays)
        ended = time.time()
        self.timeline.note(Event.ENDED, ended)
        self._tell("The fault is over. Waiting for traffic and messages to follow.")
        if scenario.silences:
            loads += self._begin_traffic()
        if scenario.moves_traffic and self._watched:
            self._await_event(Event.BACK, BACK_LIMIT_SECONDS)
        if self._sees_messages:
            self._await_messages(scenario.messages, scenario.resolves_within)
        if not self._watched:
            self._faults.pause(LINGER_SECONDS)
        # With the answers that are still due.
        self.traffic.close()
        reasons = sum((load.result.reasons for load in loads), Counter()) - failed_before
        return Seen(
            began=began,
            ended=ended,
            sent=sum(load.result.sent for load in loads),
            reasons=reasons,
            messages=self._messages() if self._sees_messages else None,
            events=self.timeline.events if self._watched else {},
        )

    def _rate(self) -> float:
        return sum(load.rate for load in self._scenario.loads)

    def _begin_traffic(self) -> list[Traffic]:
        """Begin to send the scenario's requests, until the traffic is closed."""
        url = f"{self._faults.settings.front}/"
        return [
            self.traffic.enter_context(
                Traffic(url, rate=load.rate, method=load.method, seconds=LONGEST_SECONDS)
            )
            for load in self._scenario.loads
        ]

    def _wait_until_steady(self) -> None:
        if self._watched:
            wait_for(
                lambda: self._clients.exporter.pools().active == self._desired,
                what=f"traffic to show that {self._desired} is active",
                seconds=ACTIVE_LIMIT_SECONDS,
            )
            if reason := why_late(self._clients):
                self._tell(f"Waiting: {reason}.")
        wait_for(
            lambda: is_steady(self._clients, sees_messages=self._sees_messages),
            what="what happened before to be told and resolved (see make status)",
            seconds=WATCHED_STEADY_LIMIT_SECONDS if self._watched else STEADY_LIMIT_SECONDS,
        )
        if not self._watched:
            self._faults.pause(WARM_UP_SECONDS)
        for expression in self._scenario.needs:
            wait_for(
                lambda expression=expression: bool(self._clients.prometheus.query(expression)),  # type: ignore[misc]
                what=f"Prometheus to know what the drill needs: {expression}",
                seconds=STEADY_LIMIT_SECONDS,
            )

    def _messages(self) -> list[Message]:
        try:
            return self._clients.inbox.messages(since=self._last_message)
        except requests.RequestException:
            return []

    def _await_messages(self, wanted: Counter[Told], seconds: float) -> None:
        self._patiently(
            lambda: wanted <= Counter(map(alert_and_state, self._messages())),
            what="the messages",
            seconds=seconds + LINGER_SECONDS,
        )

    def _await_event(self, event: Event, seconds: float) -> None:
        self._patiently(lambda: event in self.timeline.events, what=event, seconds=seconds)

    def _patiently(self, happened: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait; what is late or missing is judged later."""
        try:
            wait_for(happened, what=what, seconds=seconds)
        except WaitedTooLongError as error:
            self._tell(f"  {error}")
