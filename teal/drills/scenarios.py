"""The faults that are tried, and what Teal promises for each. Two reviewed tables."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from teal.drills.faults import Faults
from teal.settings import POOLS

Fault = Callable[[Faults], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Load:
    """The traffic of a drill; POST is what nginx does not retry."""

    rate: float = 20
    method: str = "GET"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One row: a fault, the messages that it must give, and how soon."""

    name: str
    what: str
    fault: Fault
    # Alerts told in Slack: each once when it fires and once when it resolves, nothing else at all.
    tells: tuple[str, ...] = ()
    # Told once only, as there is nothing to resolve; and what is told so when the fault ends.
    informs: tuple[str, ...] = ()
    informs_back: tuple[str, ...] = ()
    # From the fault to the last of these messages, in seconds.
    within: float = 10
    # From the end of the fault to the last resolved message.
    resolves_within: float = 60
    # How long the fault stays, where no message is awaited, or after it.
    stays: float = 5
    loads: tuple[Load, ...] = (Load(),)
    # Whether there is no traffic while the fault lasts.
    silences: bool = False
    # What Prometheus has to know before it begins; each of these yields something then.
    needs: tuple[str, ...] = ()
    # Whether clients may see errors: where no retry can help them.
    costs_requests: bool = False
    # Whether the other pool serves while the fault lasts, and no longer.
    moves_traffic: bool = False

    @property
    def messages_of_the_fault(self) -> Counter[tuple[str, str]]:
        """The messages that are due while the fault is on: alert and state."""
        return Counter(
            [
                *((name, "firing") for name in self.tells),
                *((name, "info") for name in self.informs),
            ]
        )

    @property
    def messages(self) -> Counter[tuple[str, str]]:
        """The messages that are due in the end: alert and state."""
        return self.messages_of_the_fault + Counter(
            [
                *((name, "resolved") for name in self.tells),
                *((name, "info") for name in self.informs_back),
            ]
        )


def _over(*alerts: str) -> str:
    """Return whether it is two minutes since these fired: so long they explain other symptoms."""
    names = "|".join(alerts)
    return f'absent(max_over_time(ALERTS{{alertname=~"{names}",alertstate="firing"}}[2m]))'


def _killed(*parts: str) -> Fault:
    return lambda faults: faults.killed(*parts)


def _desired_killed(faults: Faults) -> AbstractContextManager[None]:
    return faults.killed(faults.desired)


def _chaos(mode: str, **parameters: float | str) -> Fault:
    """Have the desired pool misbehave."""
    return lambda faults: faults.chaos(faults.desired, mode=mode, **parameters)


@contextmanager
def _bad_release(faults: Faults) -> Iterator[None]:
    """Switch to a release that fails one request in five."""
    with faults.chaos(faults.standby, mode="error", rate=0.2), faults.switched():
        yield


@contextmanager
def _slack_down(faults: Faults) -> Iterator[None]:
    """Have a failover happen while Slack refuses messages, until that was tried for a while."""
    with ExitStack() as pool:
        with faults.slack("500"):
            pool.enter_context(faults.killed(faults.desired))
            faults.pause(20)
        yield


def _failover(what: str, fault: Fault) -> Scenario:
    """Return a fault of the desired pool with which the other one serves, told within 10 s."""
    return Scenario(name=what, what=what, fault=fault, tells=("PoolFailover",), moves_traffic=True)


# Those of `make chaos`, by its MODE. `what` is said of the pool that it happens to.
_WATCHED: dict[str, float | str] = {"rate": "1", "seconds": 90}
MODES = {
    "error": _failover("answers 500 to every request", _chaos("error", **_WATCHED)),
    "timeout": _failover("takes requests and never answers", _chaos("timeout", **_WATCHED)),
    "crash": _failover("is killed (kill -9) and stays down", _desired_killed),
    "disconnect": _failover("hangs up instead of answering", _chaos("disconnect", **_WATCHED)),
    "latency": Scenario(
        name="latency",
        what="answers 300 ms late",
        fault=_chaos("latency", ms="300", **_WATCHED),
        # A message would have come by then.
        stays=15,
    ),
}

# Those of `make drills`, in an order in which none has to wait for the one before. Errors soon
# after a planned switch are a bad release, so there is a failover before them.
SCENARIOS = (
    Scenario(
        name="bad release",
        what="a planned switch to a release that fails one request in five",
        fault=_bad_release,
        loads=(Load(rate=20, method="POST"),),
        tells=("ReleaseRegression",),
        informs=("PoolSwitched",),
        informs_back=("PoolSwitched",),
        within=60,
        resolves_within=400,
        # It is judged by what was normal before the first change of pool: hence the first drill.
        needs=(
            "stack:nginxlog_upstream_attempts_5xx_before_change:ratio_increase2m < 0.01",
            _over("PoolFailover", "PoolFlapping", "AllPoolsDown"),
        ),
        costs_requests=True,
    ),
    Scenario(
        name="standby dead",
        what="the standby is killed",
        fault=lambda faults: faults.killed(faults.standby),
        tells=("StandbyPoolDown",),
        within=30,
    ),
    Scenario(
        name="pool killed",
        what="the desired pool is killed (kill -9) and stays down",
        fault=_desired_killed,
        tells=("PoolFailover",),
    ),
    Scenario(
        name="pool hanging",
        what="the desired pool takes requests and never answers",
        fault=_chaos("timeout"),
        tells=("PoolFailover",),
        # nginx knows only after READ_TIMEOUT.
        within=15,
    ),
    Scenario(
        name="POST-only errors",
        what="every POST fails, which nginx must not repeat; everything else is well",
        fault=_chaos("error", method="POST"),
        loads=(Load(rate=15), Load(rate=5, method="POST")),
        needs=(_over("AllPoolsDown", "ReleaseRegression"),),
        tells=("ErrorRatioHigh",),
        within=30,
        resolves_within=240,
        costs_requests=True,
    ),
    Scenario(
        name="3 % errors",
        what="3 % of the requests fail, and may not be retried",
        fault=_chaos("error", rate=0.04),
        loads=(Load(rate=40, method="POST"),),
        needs=(_over("AllPoolsDown", "ReleaseRegression"),),
        tells=("ErrorRatioHigh",),
        # 2 % of two minutes are reached after 80 s at 3 %.
        within=180,
        resolves_within=240,
        costs_requests=True,
    ),
    Scenario(
        name="slow pool",
        what="the desired pool answers 800 ms late",
        fault=_chaos("latency", ms=800),
        needs=(_over("PoolFailover", "PoolFlapping", "AllPoolsDown"),),
        tells=("LatencyHigh",),
        within=120,
        resolves_within=240,
    ),
    Scenario(
        name="planned switch",
        what="`make switch` and back",
        fault=lambda faults: faults.switched(),
        informs=("PoolSwitched",),
        informs_back=("PoolSwitched",),
        within=20,
        stays=30,
    ),
    Scenario(
        name="flapping pool",
        what="the desired pool fails and recovers every 10 s",
        fault=lambda faults: faults.flapping(faults.desired, every=10),
        tells=("PoolFailover", "PoolFlapping"),
        within=90,
        resolves_within=700,
    ),
    Scenario(
        name="100 % errors",
        what="both pools answer 500 to everything",
        fault=lambda faults: faults.chaos(*POOLS, mode="error"),
        tells=("AllPoolsDown",),
        within=20,
        resolves_within=240,
        costs_requests=True,
    ),
    Scenario(
        name="both dead",
        what="both pools are killed",
        fault=_killed(*POOLS),
        tells=("AllPoolsDown",),
        within=20,
        resolves_within=240,
        costs_requests=True,
    ),
    Scenario(
        name="planned maintenance",
        what="the standby is stopped during `make maintenance`",
        fault=lambda faults: faults.maintained(faults.standby),
        stays=40,
    ),
    Scenario(
        name="exporter killed",
        what="the exporter is killed",
        fault=_killed("exporter"),
        tells=("ExporterDown",),
        within=30,
    ),
    Scenario(
        name="log unreadable",
        what="a folder stands where the log was",
        fault=lambda faults: faults.unreadable_log(),
        tells=("LogUnreadable",),
        within=30,
    ),
    Scenario(
        name="log format broken",
        what="lines of another format are in the log",
        fault=lambda faults: faults.foreign_lines(),
        tells=("LogLinesUnparsed",),
        within=120,
        resolves_within=480,
    ),
    Scenario(
        name="nginx killed",
        what="the front door is killed",
        fault=_killed("nginx"),
        tells=("FrontDoorDown",),
        within=30,
        costs_requests=True,
    ),
    Scenario(
        name="Prometheus killed",
        what="Prometheus is killed; only a dead man's switch outside can tell",
        fault=_killed("prometheus"),
        stays=20,
    ),
    Scenario(
        name="Alertmanager killed",
        what="Alertmanager is killed for less than it takes to be told",
        fault=_killed("alertmanager"),
        stays=20,
    ),
    Scenario(
        name="Slack down",
        what="Slack answers 500 for 20 s while the desired pool is killed",
        fault=_slack_down,
        tells=("PoolFailover",),
        within=60,
    ),
    Scenario(
        name="no traffic",
        what="nobody asks any more, after steady traffic",
        fault=lambda _: nullcontext(),
        silences=True,
        needs=("stack:nginxlog_http_responses:expected",),
        tells=("TrafficGone",),
        within=480,
    ),
)
