"""Renewing the pools one at a time: takes the steps that the plan names, and says what it does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.rollout.plan import Await, Finish, Refuse, Renew, Seen, Situation, Step, Switch, next_step
from teal.rollout.proof import UnprovenError, is_up, on_its_own_port
from teal.rollout.switch import Traffic, switch
from teal.settings import POOLS
from teal.stack.fleet import Fleet, NotTouchedError
from teal.stack.hints import hint, how
from teal.wait import wait_for

READY_LIMIT_SECONDS = 90
FRONT_LIMIT_SECONDS = 10
# A program that ended this often is not about to come up.
MANY_RESTARTS = 5
# One that ends again and again answers now and then.
ANSWERS_IN_A_ROW = 3
WORDS_SHOWN = 5
MOST_STEPS = 20


class Quiet(Protocol):
    """What keeps a planned renewal from calling anybody."""

    def begin(self) -> None:
        """Be quiet from now on, or for longer."""

    def end(self) -> None:
        """Be quiet for a moment longer."""

    def break_off(self) -> None:
        """Let everything be told."""


class Journal(Protocol):
    """Remembers where traffic belongs, should this program die while it is elsewhere."""

    def home(self) -> str | None:
        """Return what an interrupted program noted; None without one."""

    def leave(self, pool: str) -> None:
        """Note, before traffic is moved, that it belongs to this pool."""

    def arrive(self) -> None:
        """Note that it is there."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the executor goes by."""

    health_path: str
    # How long an ordinary request may take: what is in flight ends before its pool is stopped.
    drain_seconds: float
    ready_seconds: float = READY_LIMIT_SECONDS
    front_seconds: float = FRONT_LIMIT_SECONDS
    poll_seconds: float = 0.2


@dataclass
class Rollout:
    """Brings both pools to what the settings want, without a moment in which neither serves."""

    fleet: Fleet
    traffic: Traffic
    journal: Journal
    quiet: Quiet
    terms: Terms
    tell: Callable[[str], None]
    # What went wrong, one text each; empty when all is well.
    trouble: list[str] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)
    # What it should be, and yet it does not come up.
    _stuck: set[str] = field(default_factory=set)
    _waited: set[str] = field(default_factory=set)
    _unproven: set[str] = field(default_factory=set)
    _home: str = ""
    _touched: bool = False

    def run(self) -> bool:
        """Take step after step. Return whether everything is as it should be."""
        self._home = self.journal.home() or self.traffic.desired()
        if self._home != self.traffic.desired():
            self.tell(f"The command before was interrupted; {self._home} shall serve again.")
        try:
            # A handful is what it takes: whatever is wrong, this ends.
            for _ in range(MOST_STEPS):
                step = next_step(self._look())
                if isinstance(step, Finish) or not self._take(step):
                    break
            else:
                self._note("The pools do not settle: see make status, then: make up")
            for pool in POOLS:
                if self.fleet.is_current(pool):
                    if self._is_up(pool):
                        self.fleet.keep(pool)
                elif pool not in self._failed:
                    self._note(f"{pool} was not renewed, and goes on as it is.")
        finally:
            self._come_home()
        return not self.trouble

    # Private

    def _look(self) -> Situation:
        return Situation(
            home=self._home,
            desired=self.traffic.desired(),
            pools={p: self._see(p) for p in POOLS},
            failed=frozenset(self._failed),
            waited=frozenset(self._waited),
            unproven=frozenset(self._unproven),
        )

    def _see(self, pool: str) -> Seen:
        is_current = pool not in self._stuck and self.fleet.is_current(pool)
        return Seen(is_current, self._is_up(pool), self.fleet.is_kept(pool))

    def _take(self, step: Step) -> bool:
        match step:
            case Renew(pool):
                self._renew(pool)
            case Await(pool):
                self._await(pool)
            case Switch(pool):
                self._switch(pool)
            case Refuse(pool):
                other = _other(pool)
                self._failed.add(pool)
                self._note(
                    f"{pool} was not renewed: it serves, and {other} could not take over "
                    f"({how(self.fleet.fallen(other))}); mend {other} first"
                )
                return False
            case Finish():
                return False
        return True

    def _renew(self, pool: str) -> None:
        other_serves = self._is_up(_other(pool))
        was_up = self._is_up(pool)
        if other_serves:
            self._hush()
            self._drain()
        self.tell(f"Renewing {pool} ..." if other_serves else f"Starting {pool} ...")
        try:
            self.fleet.renew(pool)
            self._wait_until_up(pool)
            on_its_own_port(self.fleet, pool)
        except NotTouchedError as error:
            self._failed.add(pool)
            goes_on = "; what ran before goes on" if was_up else ""
            self._note(f"{pool} was not {'renewed' if was_up else 'started'}: {error}{goes_on}")
        except (RuntimeFailedError, WaitedTooLongError, UnprovenError) as error:
            self._failed.add(pool)
            self.quiet.break_off()
            self._note(self._why(pool, str(error)))
            self._restore(pool)
        else:
            self._stuck.discard(pool)
            self.fleet.keep(pool)
            self.fleet.point()

    def _restore(self, pool: str) -> None:
        try:
            if not self.fleet.restore(pool):
                return
            self.fleet.point()
            self._wait_until_up(pool)
        except (RuntimeFailedError, WaitedTooLongError) as error:
            self._note(f"{pool} could not be put back as it was either: {error}")
        else:
            self._note(f"{pool} runs again as it did before.")

    def _await(self, pool: str) -> None:
        self._waited.add(pool)
        try:
            self._wait_until_up(pool)
            if not self.fleet.is_kept(pool):
                on_its_own_port(self.fleet, pool)
                self.fleet.keep(pool)
        except (WaitedTooLongError, UnprovenError) as error:
            if not self.fleet.is_kept(pool):
                # An interrupted command left it here, untried.
                self._note(self._why(pool, str(error)))
                self._failed.add(pool)
                self._restore(pool)
            elif self._is_up(_other(pool)):
                # The other one does, so this one may be cured by a new start.
                self.tell(self._why(pool, str(error)))
                self._stuck.add(pool)
            else:
                self._note(self._why(pool, str(error)))

    def _switch(self, pool: str) -> None:
        before = self.traffic.desired()
        self.tell(f"Traffic moves from {before} to {pool} ...")
        try:
            on_its_own_port(self.fleet, pool)
            # Should this program die, the next one knows where traffic belongs.
            self.journal.leave(self._home)
            self._hush()
            switch(self.traffic, pool, seconds=self.terms.front_seconds)
        except UnprovenError as error:
            self._unproven.add(pool)
            self._failed.add(pool)
            self._note(f"{pool} cannot serve: {error}; {before} goes on")

    def _come_home(self) -> None:
        """Have the desired pool be what the operator declared, on every way out."""
        now = self.traffic.desired()
        if now != self._home and self._home not in self._unproven and self._is_up(self._home):
            self.traffic.declare(self._home)
            now = self._home
        if now == self._home:
            self.journal.arrive()
        else:
            self._note(
                f"{now} serves and is the desired pool for now, because {self._home} does not "
                "answer; the next `make up` goes on, or: make switch POOL=" + self._home
            )
        if self._touched:
            self.quiet.end()

    def _wait_until_up(self, pool: str) -> None:
        in_a_row = 0
        restarts = self.fleet.fallen(pool).restarts

        def settled() -> bool:
            nonlocal in_a_row
            if self._is_up(pool):
                in_a_row += 1
                return in_a_row == ANSWERS_IN_A_ROW
            in_a_row = 0
            if self.fleet.fallen(pool).restarts - restarts >= MANY_RESTARTS:
                raise WaitedTooLongError("it ends as soon as it begins")
            return False

        wait_for(
            settled,
            what=f"{pool} to answer {self.terms.health_path} with 2xx",
            seconds=self.terms.ready_seconds,
            poll=self.terms.poll_seconds,
        )

    def _is_up(self, pool: str) -> bool:
        return is_up(self.fleet, pool, self.terms.health_path)

    def _drain(self) -> None:
        """Let requests end that went to a pool before traffic was moved away from it."""
        left = self.terms.drain_seconds - self.traffic.seconds_since_change()
        if left > 0:
            time.sleep(left)

    def _hush(self) -> None:
        self._touched = True
        self.quiet.begin()

    def _why(self, pool: str, what: str) -> str:
        fallen = self.fleet.examine(pool)
        lines = [f"{pool} does not work: {what}; {how(fallen)}"]
        if advice := hint(fallen):
            lines.append(f"  {advice}")
        if changes := self.fleet.changed(pool):
            lines.append("  changed since it last ran well: " + "; ".join(changes))
        if fallen.words:
            lines.append("  it last said:")
            lines += [f"    {line}" for line in fallen.words[-WORDS_SHOWN:]]
        return "\n".join(lines)

    def _note(self, text: str) -> None:
        self.trouble.append(text)
        self.tell(text)


# Private


def _other(pool: str) -> str:
    return next(name for name in POOLS if name != pool)
