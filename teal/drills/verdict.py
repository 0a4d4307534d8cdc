"""Judging a drill against what its mode promises: from what was seen to a list of verdicts."""

from dataclasses import dataclass

from teal.api import Message
from teal.drills.modes import MESSAGE_LIMIT_SECONDS, Mode
from teal.drills.traffic import Result
from teal.drills.watch import ALERT


@dataclass(frozen=True)
class Verdict:
    """One promise, and whether it was kept."""

    promise: str
    kept: bool
    seen: str


def judge(
    mode: Mode,
    traffic: Result,
    events: dict[str, float],
    messages: list[Message] | None,
) -> list[Verdict]:
    """Return a verdict for each promise. `messages` is None where Slack cannot be looked into."""
    failures = ", ".join(f"{n} x {reason}" for reason, n in traffic.reasons.items())
    verdicts = [
        Verdict(
            "no client request fails",
            kept=traffic.failed == 0 and traffic.sent > 0,
            seen=f"{traffic.sent} sent, {traffic.failed} failed"
            + (f" ({failures})" * bool(failures)),
        )
    ]
    if mode.fails_over:
        verdicts.append(
            Verdict(
                "traffic moves, and comes back",
                kept="pool change seen by the exporter" in events and "traffic is back" in events,
                seen=f"moved {_after(events, 'pool change seen by the exporter')}, "
                f"back {_after(events, 'traffic is back', since='fault taken back')}",
            )
        )
    if messages is None:
        return verdicts
    if mode.fails_over:
        verdicts += _about_messages(events, messages)
    else:
        verdicts.append(
            Verdict("no message in Slack", kept=not messages, seen=_titles(messages) or "none")
        )
    return verdicts


# Private


def _about_messages(events: dict[str, float], messages: list[Message]) -> list[Verdict]:
    ours = [m for m in messages if m.footer.endswith(ALERT)]
    others = [m for m in messages if not m.footer.endswith(ALERT)]
    states = sorted(m.state for m in ours)
    delay = events.get("message in Slack", float("inf")) - events["fault"]
    return [
        Verdict(
            f"the message arrives within {MESSAGE_LIMIT_SECONDS} s of the fault",
            kept=delay <= MESSAGE_LIMIT_SECONDS,
            seen=_after(events, "message in Slack"),
        ),
        Verdict(
            "exactly one message, then one resolved message",
            kept=states == ["firing", "resolved"],
            seen=", ".join(states) or "none",
        ),
        Verdict("no other message", kept=not others, seen=_titles(others) or "none"),
    ]


def _after(events: dict[str, float], event: str, *, since: str = "fault") -> str:
    if event not in events or since not in events:
        return "never"
    return f"after {events[event] - events[since]:.1f} s"


def _titles(messages: list[Message]) -> str:
    return "; ".join(m.title for m in messages)
