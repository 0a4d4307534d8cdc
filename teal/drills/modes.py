"""The faults a drill can inject, and what Teal promises for each."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One fault. Promised for every one: no client request fails."""

    fault: str
    # Whether traffic moves to the other pool, which is told in Slack once, and resolved once.
    fails_over: bool
    # What is sent to the pool's /chaos/start; None: the pool is killed from outside.
    chaos: dict[str, str] | None


MODES = {
    "error": Mode(fault="answers 500 to every request", fails_over=True, chaos={"mode": "error"}),
    "timeout": Mode(
        fault="takes requests and never answers", fails_over=True, chaos={"mode": "timeout"}
    ),
    "crash": Mode(fault="is killed (kill -9) and stays down", fails_over=True, chaos=None),
    "disconnect": Mode(
        fault="hangs up instead of answering", fails_over=True, chaos={"mode": "disconnect"}
    ),
    "latency": Mode(
        fault="answers 300 ms late",
        fails_over=False,
        chaos={"mode": "latency", "ms": "300"},
    ),
}

# The promise to the on-call engineer.
MESSAGE_LIMIT_SECONDS = 10
