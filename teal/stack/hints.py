"""From what is left of a pool that did not become healthy to the setting that mends it.

One row for each habit of images, the most telling first. Nothing here asks anybody anything.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from teal.stack import last_words

BUS_ERROR = 135  # 128 + SIGBUS
CANNOT_EXECUTE = (126, 127)


@dataclass(frozen=True, kw_only=True)
class Fallen:
    """How a pool that does not do is found: what its runner says, and what it printed itself."""

    pool: str
    # The runner's word: running, restarting, exited, created, fatal, ... or `missing`.
    state: str
    exit_code: int | None = None
    restarts: int = 0
    was_out_of_memory: bool = False
    # What kept the runner from starting it.
    error: str = ""
    # What it printed last, oldest line first.
    words: Sequence[str] = ()
    # What nginx got from HEALTH_PATH: a status, or None for no answer.
    answer: int | None = None
    # From here on: only after a closer look at a container (`teal.docker.closer_look`).
    # What HEALTH_PATH answered: "HTTP 404", "connection refused", "timed out"; empty if well.
    health: str = ""
    # Where it listens, such as ("127.0.0.1", 3000); empty: nowhere, or nobody could look.
    listens: Sequence[tuple[str, int]] = ()
    # Where it should listen, and where its image says that it does.
    port: int = 0
    exposed_ports: Sequence[int] = ()

    @property
    def said(self) -> list[str]:
        """Its last words, and those of its runner."""
        return [*self.words, *([self.error] if self.error else [])]

    def says(self, pattern: str) -> bool:
        """Whether its last words match."""
        return bool(last_words.line_of(self.said, pattern))

    @property
    def runs(self) -> bool:
        """Whether it runs, and does not restart all the time."""
        return self.state == "running"

    @property
    def is_silent(self) -> bool:
        """Whether it runs, and its health check got no answer at all."""
        return self.runs and "HTTP" not in self.health


@dataclass(frozen=True)
class Habit:
    """What one habit of images looks like when it fails, and what mends it."""

    name: str
    shows: Callable[[Fallen], object]
    advice: Callable[[Fallen], str]


def how(fallen: Fallen) -> str:
    """Return in a few words how the pool is found."""
    if fallen.was_out_of_memory:
        return "it was killed for want of memory"
    if fallen.error:
        return f"it cannot be started: {fallen.error}"
    if fallen.state in ("restarting", "exited", "dead", "fatal", "backoff"):
        again = f" and was restarted {fallen.restarts} times" if fallen.restarts else ""
        return f"it ends with exit code {fallen.exit_code}{again}"
    if fallen.state != "running":
        return f"it is {fallen.state}"
    if fallen.answer is not None:
        return f"it answers its health check with {fallen.answer}"
    return "it runs, but does not answer"


def hint(fallen: Fallen) -> str | None:
    """Return one line that names the setting that mends it; None if nobody can tell."""
    for habit in HABITS:
        if habit.shows(fallen):
            return f"{fallen.pool} {habit.advice(fallen)}"
    return None


# Private


def _says(pattern: str) -> Callable[[Fallen], object]:
    return lambda fallen: fallen.says(pattern)


def _always(text: str) -> Callable[[Fallen], str]:
    return lambda _: text


def _answers(pattern: str) -> Callable[[Fallen], object]:
    return lambda fallen: fallen.runs and re.search(f"HTTP {pattern}", fallen.health)


def _path(fallen: Fallen, pattern: str) -> str | None:
    return last_words.path_in(last_words.line_of(fallen.said, pattern))


def _let_it_write(fallen: Fallen, pattern: str, otherwise: str) -> str:
    """Advise a writable folder. It is empty at each start: one with a program must not be it."""
    if folder := last_words.data_folder_of(_path(fallen, pattern)):
        return f"add {folder} to POOL_WRITABLE in .env (it is empty at each start), or {otherwise}"
    return (
        f"{otherwise} in .env, or add its folder to POOL_WRITABLE if nothing but what it writes is "
        "there (it is empty at each start)"
    )


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _addresses(fallen: Fallen) -> set[str]:
    """Return where it listens with the right port."""
    return {address for address, port in fallen.listens if port == fallen.port}


def _other_port(fallen: Fallen) -> int | None:
    """Return the port it seems to serve instead of the one it was told."""
    if not fallen.is_silent or _addresses(fallen):
        return None
    seen = sorted(port for address, port in fallen.listens if address in _EVERYWHERE)
    declared = [port for port in fallen.exposed_ports if port in seen or not fallen.listens]
    return next((port for port in [*declared, *seen] if port != fallen.port), None)


_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
_IN_ENV_FILE = "in a file that POOL_ENV_FILE in .env names"
_ON_ALL = f"it must listen on 0.0.0.0; many images have a variable for that, {_IN_ENV_FILE}"

HABITS = (
    # --- It ended, or restarts all the time -----------------------------------------------------
    Habit(
        "needs more memory",
        lambda f: (
            f.was_out_of_memory
            or f.says(r"out ?of ?memory|MemoryError|cannot allocate memory|bad_alloc")
        ),
        _always("ran out of memory: raise POOL_MEMORY in .env"),
    ),
    Habit(
        "needs more threads",
        _says(r"can't start new thread|pthread_create|unable to create.* thread|fork: .*resource"),
        _always("may have no more processes or threads: raise POOL_PIDS in .env"),
    ),
    Habit(
        "needs shared memory",
        lambda f: f.says(last_words.SHM) or (not f.runs and f.exit_code == BUS_ERROR),
        _always("needs more room in /dev/shm: raise POOL_SHM in .env, for example to 256m"),
    ),
    Habit(
        "fills a folder that is in memory",
        _says(last_words.FULL),
        lambda f: (
            f"has no room left for {_path(f, last_words.FULL) or 'a file'}: give its folder more "
            "in POOL_WRITABLE in .env, such as /tmp:256m, or, if it is /dev/shm, raise POOL_SHM"
        ),
    ),
    Habit(
        "is made for another machine",
        _says(r"exec format error"),
        _always("is for another kind of processor: BLUE_IMAGE and GREEN_IMAGE must fit this one"),
    ),
    Habit(
        "insists on being process 1",
        _says(r"as pid 1\b|must be pid 1"),
        _always("insists on being process 1: set POOL_INIT=false in .env"),
    ),
    Habit(
        "has a program with capabilities (setcap)",
        _says(r"\bexec [^:]*: operation not permitted|\bexec \S+ failed: operation not permitted"),
        _always(
            "has a program that needs a capability (setcap): set POOL_CAPS=NET_BIND_SERVICE in "
            ".env, or what `getcap` shows of it"
        ),
    ),
    Habit(
        "runs what it unpacked into /tmp",
        _says(last_words.NO_EXEC),
        _always("runs a program from /tmp: set POOL_WRITABLE=/tmp:exec in .env"),
    ),
    Habit(
        "refuses to be root",
        _says(last_words.REFUSES_ROOT),
        _always("does not want to be root: set POOL_USER=1000 in .env, or leave it empty"),
    ),
    Habit(
        "starts as root and drops rights",
        _says(last_words.CHANGES_USER),
        _always(
            "starts as root and changes to a user of its own: name that user in POOL_USER in .env, "
            "or let it, with POOL_USER=root and POOL_CAPS='CHOWN SETGID SETUID'"
        ),
    ),
    Habit(
        "does not know the user",
        _says(r"unable to find (user|group)|no matching entries in (passwd|group)"),
        _always("has no such user in its image: correct POOL_USER in .env, or give a number"),
    ),
    Habit(
        "writes into its image",
        _says(last_words.READ_ONLY),
        lambda f: (
            f"writes to {_path(f, last_words.READ_ONLY) or 'its image'}: "
            + _let_it_write(f, last_words.READ_ONLY, "set POOL_READ_ONLY=false")
        ),
    ),
    Habit(
        "listens on a low port where that takes root",
        _says(r"(bind|listen|port|:80|:443)\b.*(permission denied|EACCES)|EACCES.*:(80|443)\b"),
        _always("may not listen below 1024 here: let it listen on $PORT, or set POOL_PORT in .env"),
    ),
    Habit(
        "may not use a file",
        _says(last_words.DENIED),
        lambda f: (
            f"may not use {_path(f, last_words.DENIED) or 'a file'}: "
            + _let_it_write(f, last_words.DENIED, "name the user whose it is in POOL_USER")
        ),
    ),
    Habit(
        "needs a home",
        _says(last_words.NO_HOME),
        lambda f: (
            "needs a home to write to: "
            + _let_it_write(f, last_words.NO_HOME, f"say HOME=/tmp {_IN_ENV_FILE}")
        ),
    ),
    Habit(
        "has no such command",
        lambda f: (
            (not f.runs and f.exit_code in CANNOT_EXECUTE)
            or f.says(r"executable file not found|exec\b.* no such file")
        ),
        _always("cannot run the image's command: check BLUE_IMAGE and GREEN_IMAGE in .env"),
    ),
    Habit(
        "needs a variable",
        lambda f: not f.runs and f.says(last_words.MISSES_VARIABLE),
        lambda f: (
            f"misses {last_words.variable_in(f.said) or 'a variable'} in its environment: say it "
            f"{_IN_ENV_FILE}"
        ),
    ),
    Habit(
        "ends at once",
        lambda f: f.state in ("exited", "restarting") and f.exit_code == 0,
        _always(
            "ended by itself and was content (exit code 0): the image's command is no server; "
            "check BLUE_IMAGE and GREEN_IMAGE in .env, or give a `command:` in compose.override.yml"
        ),
    ),
    # --- It runs, and does not answer as it should ----------------------------------------------
    Habit(
        "listens on 127.0.0.1 only",
        lambda f: f.is_silent and _addresses(f) and all(map(_is_loopback, _addresses(f))),
        lambda f: f"listens on {min(_addresses(f))} only, where nobody else reaches it: {_ON_ALL}",
    ),
    Habit(
        "listens on IPv6 only",
        lambda f: f.is_silent and "refused" in f.health and _addresses(f) == {"::"},
        _always(f"listens on IPv6 only: {_ON_ALL}"),
    ),
    Habit(
        "listens on a fixed port",
        _other_port,
        lambda f: (
            f"listens on port {_other_port(f)}, not on $PORT ({f.port}): set "
            f"POOL_PORT={_other_port(f)} in .env"
        ),
    ),
    Habit(
        "has its health elsewhere",
        _answers(r"(3\d\d|40[1-9]|41\d)"),
        lambda f: (
            f"answers its health check with {f.health}: set HEALTH_PATH in .env to a path "
            "that answers everybody with 2xx"
        ),
    ),
    Habit(
        "wants to be called by a name",
        _answers("400"),
        _always(
            "answers its health check with HTTP 400: it must allow requests by address "
            f"(ALLOWED_HOSTS and the like, {_IN_ENV_FILE}), or at least at HEALTH_PATH"
        ),
    ),
    Habit(
        "is not well",
        _answers(r"5\d\d"),
        lambda f: (
            f"answers its health check with {f.health}: it lacks something, which it may "
            f"have said; what it needs to know is said {_IN_ENV_FILE}"
        ),
    ),
    Habit(
        "does not speak HTTP",
        lambda f: f.is_silent and _addresses(f) and "timed out" not in f.health,
        lambda f: (
            f"listens on port {f.port} but does not speak plain HTTP there: HTTPS is nginx's; "
            "POOL_PORT in .env names another port"
        ),
    ),
    Habit(
        "starts slowly",
        lambda f: f.runs,
        _always("runs but does not answer: if it starts slowly, raise POOL_START_SECONDS in .env"),
    ),
)  # fmt: skip
