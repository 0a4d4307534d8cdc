"""Two pools, nginx and an operator in memory, to try a renewal with every kind of failure."""

from dataclasses import dataclass, field

from teal.errors import RuntimeFailedError
from teal.rollout.execute import Rollout, Terms
from teal.settings import POOLS
from teal.stack.fleet import NotTouchedError
from teal.stack.hints import Fallen

TERMS = Terms(
    health_path="/healthz", drain_seconds=0, ready_seconds=5, front_seconds=0, poll_seconds=0
)
OLD, NEW = "old", "new"


class Killed(BaseException):
    """What `kill -9` does: nothing more is done, by nobody."""


@dataclass
class World:
    """Each method that changes something is an operation; a kill can come before any of them."""

    # How a release does: ok, crashes, unhealthy, lies (only its health check is well), cannot
    # start, no image.
    does: dict[tuple[str, str], str] = field(default_factory=dict)
    desired_pool: str = "blue"
    runs: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(POOLS, OLD))
    kept: dict[str, str] = field(default_factory=lambda: dict.fromkeys(POOLS, OLD))
    interrupted: str | None = None
    wanted: dict[str, str] = field(default_factory=lambda: dict.fromkeys(POOLS, NEW))
    # Counts down; at zero the program dies.
    operations: int = 0
    dies_at: int | None = None
    dies_of: type[BaseException] = Killed
    is_dead: bool = False
    said: list[str] = field(default_factory=list)
    broken_promises: list[str] = field(default_factory=list)
    is_quiet: bool = False
    ends: int = 0

    def run(self) -> bool:
        """Do what `make up` does with the pools."""
        rollout = Rollout(
            fleet=self, traffic=self, journal=self, quiet=self, terms=TERMS, tell=self.said.append
        )
        return rollout.run()

    def revive(self) -> None:
        """Let the next command live."""
        self.dies_at, self.is_dead = None, False

    # The fleet.

    def is_current(self, pool):
        """Whether it runs what is wanted."""
        return self.runs[pool] == self.wanted[pool]

    def address(self, pool):
        """Its name will do."""
        return pool

    def ask(self, pool, path):
        """Return what a GET gets."""
        release = self.runs[pool]
        how = "crashes" if release is None else self.does.get((pool, release), "ok")
        if how in ("crashes", "cannot start"):
            return None
        return 500 if how == "unhealthy" or (how == "lies" and path == "/") else 200

    def renew(self, pool):
        """As Docker does it: stop, then start."""
        how = self.does.get((pool, self.wanted[pool]), "ok")
        if how == "no image":
            raise NotTouchedError("the image is not to be had")
        self._stop(pool)
        self._operate()
        if how == "cannot start":
            raise RuntimeFailedError("exec: not found")
        self.runs[pool] = self.wanted[pool]
        self._operate()

    def restore(self, pool):
        """Stop, then start what was kept."""
        if pool not in self.kept:
            return False
        self._stop(pool)
        self._operate()
        self.runs[pool] = self.kept[pool]
        self._operate()
        return True

    def keep(self, pool):
        """Keep what runs."""
        self._operate()
        self.kept[pool] = self.runs[pool]

    def is_kept(self, pool):
        """Whether what runs was kept."""
        return self.kept.get(pool) == self.runs[pool]

    def changed(self, pool):
        """Name the setting to blame."""
        return [f"{pool.upper()}_RELEASE {OLD} -> {NEW}"]

    def point(self):
        """Tell nginx."""
        self._operate()

    def fallen(self, pool):
        """How it is found."""
        # Each look finds that it has ended many times more: no test has to wait for it.
        self.ends += 10
        words = ["boom: no database"]
        return Fallen(pool=pool, state="exited", exit_code=3, restarts=self.ends, words=words)

    examine = fallen

    def image(self, _):
        """None."""
        return ""

    # The traffic.

    def desired(self):
        """Read the flag file."""
        return self.desired_pool

    def declare(self, pool):
        """Write it."""
        self._operate()
        self.desired_pool = pool

    def seconds_since_change(self):
        """Long enough."""
        return 1e9

    def answers_from(self, pool):
        """As the front door does."""
        return self.desired_pool == pool and self.ask(pool, "/") == 200

    # The journal.

    def home(self):
        """Read it."""
        return self.interrupted

    def leave(self, pool):
        """Write it."""
        self._operate()
        self.interrupted = pool

    def arrive(self):
        """Remove it."""
        self._operate()
        self.interrupted = None

    # The quiet.

    def begin(self):
        """From now on."""
        self.is_quiet = True

    def end(self):
        """Be quiet no more."""
        self.is_quiet = False

    def break_off(self):
        """Be quiet no more."""
        self.is_quiet = False

    # Private

    def _stop(self, pool):
        other = next(each for each in POOLS if each != pool)
        self._operate()
        if self._serves(pool) and not self._serves(other):
            self.broken_promises.append(f"{pool} stopped, and {other} does not serve")
        if self._serves(pool) and self.desired_pool == pool:
            self.broken_promises.append(f"{pool} stopped while requests go there")
        self.runs[pool] = None

    def _serves(self, pool):
        return self.ask(pool, "/healthz") == 200 and self.ask(pool, "/") == 200

    def _operate(self):
        if self.is_dead:
            raise Killed
        self.operations += 1
        if self.dies_at is not None and self.operations > self.dies_at:
            self.dies_at = None
            self.is_dead = self.dies_of is Killed
            raise self.dies_of
