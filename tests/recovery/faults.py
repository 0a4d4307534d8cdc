"""The faults: what happens to a stack from outside; each must be over by itself, without a command.

Where a fault ends what runs the parts (supervisord, the machine of plain processes), nobody is left
who could start them: `make up` is then part of the entry, and of its name.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import Bench
from clients import open_stream
from load import GETS_PER_SECOND, POSTS_PER_SECOND
from runners import POOL, title

from teal.wait import wait_for

BOTH = ("docker", "local")
# How long a paused pool stays so: longer than READ_TIMEOUT, so that requests in it are given up.
PAUSE_SECONDS = 8
STREAM_SECONDS = 50
START_LIMIT_SECONDS = 60
# GETs that fail with a pool all the same. nginx cannot repeat a response once its headers have
# arrived, and headers and body are two packets: a pool that goes away in between cuts the response
# (seen once in 10,218 GETs).
BEGUN = 2


class NotAsPromisedError(Exception):
    """Something else than failed requests is wrong; the text says what."""


@dataclass(frozen=True)
class Bound:
    """How many requests may fail."""

    gets: int = 0
    posts: int = 0

    def posts_only(self) -> "Bound":
        """Return the same where every GET is answered by the other pool, or had begun to be."""
        return Bound(gets=BEGUN, posts=self.posts)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the table.

    `do` makes it happen under load and returns what is worth a note. It is over when `over` is
    true, `limit` seconds after its beginning at the latest. `docker` and `local` are the bounds in
    each way of running.
    """

    name: str
    do: Callable[[Bench], str]
    runtimes: tuple[str, ...] = BOTH
    # What the stack has before.
    settings: dict[str, str] = field(default_factory=dict)
    over: Callable[[Bench], bool] = Bench.is_well
    limit: float = 60
    docker: Bound = Bound()
    local: Bound = Bound()
    # The habits whose images it needs, and the paths of a GET and a POST that they answer.
    images: tuple[str, ...] = ()
    paths: tuple[str, str] = ("/version", "/echo")
    # False: `do` brings requests of its own, and counts them in `Bench.beside`.
    loaded: bool = True
    # False: measured, but covered in the tests by another entry or elsewhere.
    tested: bool = True
    # Whether the pools get other addresses, with which the exporter's counters begin anew.
    counts_anew: bool = False

    def bound(self, runtime: str) -> Bound:
        """Return how many requests may fail in one way of running."""
        return self.docker if runtime == "docker" else self.local


def outage(seconds: float) -> Bound:
    """Return what fails when nobody answers for so long."""
    return Bound(gets=int(GETS_PER_SECOND * seconds), posts=int(POSTS_PER_SECOND * seconds))


def faults(parts: list[str]) -> list[Entry]:
    """Return the faults of a stack that has these parts."""
    docker, local = ("docker",), ("local",)
    return [
        *(_killed(part) for part in parts),
        *(_restarted(part) for part in parts),
        Entry(
            name=f"pool {POOL} paused for {PAUSE_SECONDS} s",
            do=_pause,
            # A POST that was sent is not repeated: each waits for READ_TIMEOUT, then it has failed.
            docker=outage(PAUSE_SECONDS).posts_only(),
            local=outage(PAUSE_SECONDS).posts_only(),
        ),
        Entry(
            name="a worker of nginx killed",
            do=_kill_worker,
            # What it held: half of the connections that clients keep, and the requests in it.
            docker=Bound(60, 30),
            local=Bound(60, 30),
        ),
        Entry(
            name="nginx's master killed, a download open",
            do=_kill_master,
            docker=outage(6),
            local=outage(3),
        ),
        Entry(
            name="nginx restarted by its supervisor, a download open",
            do=_restart_nginx,
            limit=90,
            # The port belongs to the container: nobody else can serve while the old one finishes.
            docker=outage(15),
            local=outage(3),
        ),
        Entry(
            name=f"pool {POOL}'s network disconnected and connected, then make up",
            do=_readdress,
            runtimes=docker,
            # What had been sent to an address that is gone hears nothing more of it.
            docker=Bound(BEGUN, POSTS_PER_SECOND),
        ),
        Entry(
            name="engine restarted",
            do=_restart_engine,
            runtimes=docker,
            limit=120,
            docker=outage(60),
        ),
        Entry(
            name="engine killed -9 and started",
            do=_kill_engine,
            runtimes=docker,
            limit=120,
            docker=outage(60),
        ),
        Entry(name="reboot", do=_reboot, runtimes=docker, limit=120, docker=outage(60)),
        Entry(
            name="supervisord killed -9, then make up",
            do=_kill_supervisor,
            runtimes=local,
            local=outage(5),
        ),
        Entry(
            name="reboot, then make up",
            do=_kill_processes,
            runtimes=local,
            limit=90,
            local=outage(40),
        ),
    ]


# Private


def _killed(part: str) -> Entry:
    def do(bench: Bench) -> str:
        return _begin_anew(bench, part, lambda: _kill(bench.runner.processes(part)[0]))

    # A POST that is in a pool when it dies is not repeated on the other one.
    bounds = {"nginx": (outage(6), outage(3)), POOL: (Bound(BEGUN, 10), Bound(BEGUN, 10))}
    docker, local = bounds.get(part, (Bound(), Bound()))
    return Entry(name=f"{part} killed -9", do=do, docker=docker, local=local)


def _restarted(part: str) -> Entry:
    def do(bench: Bench) -> str:
        return _begin_anew(bench, part, lambda: bench.runner.restart(part))

    bounds = {"nginx": (outage(10), outage(3)), POOL: (Bound(BEGUN, 5), Bound(BEGUN, 5))}
    docker, local = bounds.get(part, (Bound(), Bound()))
    return Entry(name=f"{part} restarted", do=do, docker=docker, local=local)


def _begin_anew(bench: Bench, part: str, fault: Callable[[], object]) -> str:
    """Do it, and wait until the runner has noticed: else all would seem well at once."""
    before = bench.runner.identity(part)
    fault()
    wait_for(
        lambda: bench.runner.identity(part) != before,
        what=f"{part} to be started anew",
        seconds=START_LIMIT_SECONDS,
    )
    return ""


def _pause(bench: Bench) -> str:
    bench.runner.pause(POOL, on=True)
    try:
        time.sleep(PAUSE_SECONDS)
    finally:
        bench.runner.pause(POOL, on=False)
    return ""


def _kill_worker(bench: Bench) -> str:
    workers = _nginx(bench, "nginx: worker process")
    _kill(workers[0])
    wait_for(
        lambda: len(set(_nginx(bench, "nginx: worker process")) - {workers[0]}) >= len(workers),
        what="another worker",
        seconds=START_LIMIT_SECONDS,
    )
    return ""


def _kill_master(bench: Bench) -> str:
    with open_stream(bench.front, seconds=STREAM_SECONDS):
        (master,) = _nginx(bench, "nginx: master")
        _kill(master)
        wait_for(
            lambda: set(_nginx(bench, "nginx: master")) - {master},
            what="another master",
            seconds=START_LIMIT_SECONDS,
        )
    return ""


def _restart_nginx(bench: Bench) -> str:
    with open_stream(bench.front, seconds=STREAM_SECONDS):
        return _begin_anew(bench, "nginx", lambda: bench.runner.restart("nginx"))


def _readdress(bench: Bench) -> str:
    addresses = bench.containers.readdress(POOL)
    return f"{POOL} came to {addresses}; {_up(bench)}"


def _restart_engine(bench: Bench) -> str:
    assert bench.engine
    bench.engine.restart()
    return ""


def _kill_engine(bench: Bench) -> str:
    assert bench.engine
    bench.engine.kill()
    return ""


def _reboot(bench: Bench) -> str:
    assert bench.engine
    bench.engine.reboot()
    return ""


def _kill_supervisor(bench: Bench) -> str:
    bench.processes.kill_supervisor()
    return _up(bench)


def _kill_processes(bench: Bench) -> str:
    bench.processes.kill_everything()
    return _up(bench)


def _up(bench: Bench) -> str:
    done = bench.run("up")
    if done.code:
        raise NotAsPromisedError(f"make up ended with {done.code}: {done.said[-300:]}")
    return f"make up took {done.seconds:g} s"


def _nginx(bench: Bench, role: str) -> list[int]:
    return [pid for pid in bench.runner.processes("nginx") if title(pid).startswith(role)]


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
