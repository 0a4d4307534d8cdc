"""Which pool of a group is the active one: that which really serves, as seen in the log."""

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any


@dataclass
class ActivePool:
    """The pool that really serves, with hysteresis: a probe or one retried request changes nothing.

    Another pool becomes active when it has served `after` requests in a row. The first pool ever
    seen is active at once and is no change.
    """

    pools: tuple[str, ...]
    after: int
    active: str | None = None
    # Log time of the last change, seconds since the epoch; 0 before the first.
    changed_at: float = 0.0
    changes: dict[tuple[str, str], int] = field(default_factory=dict)
    # The pool that may become active, and how many requests in a row it has served.
    candidate: str | None = None
    streak: int = 0

    def __post_init__(self) -> None:
        self.changes = dict.fromkeys(permutations(self.pools, 2), 0) | self.changes

    def confirm(self) -> None:
        """Take note that the active pool served a request."""
        self.candidate, self.streak = None, 0

    def challenge(self, pool: str, *, started: float, ended: float) -> None:
        """Take note that another pool served a request; log times in seconds since the epoch."""
        if self.active is None:
            self.active = pool
        # A request that began before the last change (a download, a WebSocket) is old news.
        elif started >= self.changed_at:
            self.streak = self.streak + 1 if pool == self.candidate else 1
            self.candidate = pool
            if self.streak >= self.after:
                self.changes[self.active, pool] += 1
                self.active, self.changed_at = pool, ended
                self.confirm()

    def to_state(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {
            "active": self.active,
            "changed_at": self.changed_at,
            "changes": [[*pair, times] for pair, times in self.changes.items()],
            "candidate": self.candidate,
            "streak": self.streak,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `to_state` returned; what is missing began later.

        Raises TypeError or ValueError.
        """
        self.active, self.candidate = state.get("active"), state.get("candidate")
        self.changed_at = float(state.get("changed_at", 0))
        self.streak = int(state.get("streak", 0))
        self.changes |= {(old, new): int(times) for old, new, times in state.get("changes", ())}
