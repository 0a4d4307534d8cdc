"""Judging a drill: from what was promised and what was seen to a list of verdicts. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from teal.clients.inbox import Message
from teal.drills.scenarios import Scenario
from teal.drills.timeline import Event, Events

# The alert, and the state in which it was notified.
Told = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a drill gave. Times are in seconds since the epoch.

    `messages` is None where Slack cannot be looked into; `events` is empty where none were noted.
    """

    began: float
    ended: float
    sent: int
    # Why requests failed, and how many each.
    reasons: Counter[str] = field(default_factory=Counter)
    messages: Sequence[Message] | None = None
    events: Events = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return self.reasons.total()

    def told(self) -> dict[str, float]:
        """Return the seconds from the fault to the first message of each alert."""
        return self._first(self.began, resolved=False)

    def resolved(self) -> dict[str, float]:
        """Return the seconds from the end of the fault to the resolved message of each alert."""
        return self._first(self.ended, resolved=True)

    def _first(self, since: float, *, resolved: bool) -> dict[str, float]:
        found: dict[str, float] = {}
        for message in self.messages or []:
            if (message.state == "resolved") == resolved:
                found.setdefault(message.alert, message.received - since)
        return found


@dataclass(frozen=True)
class Verdict:
    """One promise, and whether it was kept."""

    promise: str
    kept: bool
    seen: str


def judge(scenario: Scenario, seen: Seen) -> list[Verdict]:
    """Return a verdict for each promise that could be looked at."""
    verdicts = [] if scenario.costs_requests else [_about_requests(scenario, seen)]
    if scenario.moves_traffic and seen.events:
        verdicts.append(_about_traffic(seen.events))
    if seen.messages is None:
        return verdicts
    if not scenario.messages:
        titles = "; ".join(message.title for message in seen.messages)
        return [*verdicts, Verdict("no message", kept=not titles, seen=titles or "none")]
    return [*verdicts, *_about_messages(scenario, seen, seen.messages)]


def alert_and_state(message: Message) -> Told:
    """Return what a message tells."""
    return message.alert, message.state


# Private


def _about_requests(scenario: Scenario, seen: Seen) -> Verdict:
    reasons = ", ".join(f"{n} x {reason}" for reason, n in seen.reasons.items())
    return Verdict(
        "no client request fails",
        # A drill under no traffic proves nothing of it.
        kept=seen.failed == 0 and (seen.sent > 0 or scenario.silences),
        seen=f"{seen.sent} sent, {seen.failed} failed" + (f" ({reasons})" if reasons else ""),
    )


def _about_traffic(events: Events) -> Verdict:
    moved = _after(events, Event.MOVED, since=Event.FAULT)
    back = _after(events, Event.BACK, since=Event.ENDED)
    return Verdict(
        "traffic moves, and comes back",
        kept=Event.MOVED in events and Event.BACK in events,
        seen=f"moved {moved}, back {back}",
    )


def _about_messages(scenario: Scenario, seen: Seen, messages: Sequence[Message]) -> list[Verdict]:
    promised = scenario.messages
    counts = Counter(map(alert_and_state, messages))
    names = {name for name, _ in promised}
    told = seen.told()
    in_time = [
        Verdict(
            f"{name} arrives within {scenario.within:g} s of the fault",
            kept=name in told and told[name] <= scenario.within,
            seen=f"after {told[name]:.1f} s" if name in told else "never",
        )
        for name in (*scenario.tells, *scenario.informs)
    ]
    exactly = [
        Verdict(
            f"{name}: {_in_words(promised, name)}, no more",
            kept=_of(counts, name) == _of(promised, name),
            seen=_in_words(counts, name) or "none",
        )
        for name in sorted(names)
    ]
    others = [message.title for message in messages if message.alert not in names]
    return [
        *in_time,
        *exactly,
        Verdict("no other message", kept=not others, seen="; ".join(others) or "none"),
    ]


def _of(counts: Counter[Told], name: str) -> dict[str, int]:
    return {state: n for (alert, state), n in sorted(counts.items()) if alert == name}


def _in_words(counts: Counter[Told], name: str) -> str:
    return ", ".join(f"{n} {state}" for state, n in _of(counts, name).items())


def _after(events: Events, event: Event, *, since: Event) -> str:
    if event not in events or since not in events:
        return "never"
    return f"after {events[event] - events[since]:.1f} s"
