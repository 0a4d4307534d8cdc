"""From what is left of a pool that did not become healthy to the setting that mends it.

One row for each habit of images, the most telling first. Nothing here asks anybody anything.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from teal import words

BUS_ERROR = 135  # 128 + SIGBUS
CANNOT_EXECUTE = (126, 127)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A pool's container as it was found, and what its health check got."""

    pool: str
    state: str  # Docker's: created, running, restarting, exited, dead
    exit_code: int = 0
    oom_killed: bool = False
    last_words: Sequence[str] = ()
    image_user: str = ""  # that of the image; empty: root
    exposed_ports: Sequence[int] = ()
    health_error: str = ""  # such as "HTTP 404", "connection refused", "timed out"
    # Where it listens, such as ("127.0.0.1", 3000); empty: nowhere, or nobody could look.
    listens: Sequence[tuple[str, int]] = ()
    port: int = 0  # where it should

    def says(self, pattern: str) -> bool:
        """Whether its last words match."""
        return bool(words.line_of(self.last_words, pattern))

    @property
    def runs(self) -> bool:
        """Whether it runs, and does not restart all the time."""
        return self.state == "running"

    @property
    def is_silent(self) -> bool:
        """Whether it runs, and its health check got no answer at all."""
        return self.runs and "HTTP" not in self.health_error


@dataclass(frozen=True)
class Habit:
    """What one habit of images looks like when it fails, and what mends it."""

    name: str
    shows: Callable[[Failure], object]
    advice: Callable[[Failure], str]


def hint(failure: Failure) -> str | None:
    """Return one line that names the setting that mends it; None if nobody can tell."""
    for habit in HABITS:
        if habit.shows(failure):
            return f"{failure.pool} {habit.advice(failure)}"
    return None


# Private


def _says(pattern: str) -> Callable[[Failure], object]:
    return lambda failure: failure.says(pattern)


def _always(text: str) -> Callable[[Failure], str]:
    return lambda _: text


def _answers(pattern: str) -> Callable[[Failure], object]:
    return lambda failure: failure.runs and re.search(f"HTTP {pattern}", failure.health_error)


def _path(failure: Failure, pattern: str) -> str | None:
    return words.path_in(words.line_of(failure.last_words, pattern))


def _let_it_write(failure: Failure, pattern: str, otherwise: str) -> str:
    """Advise a writable folder. It is empty at each start: one with a program must not be it."""
    if folder := words.data_folder_of(_path(failure, pattern)):
        return f"add {folder} to POOL_WRITABLE in .env (it is empty at each start), or {otherwise}"
    return (
        f"{otherwise} in .env, or add its folder to POOL_WRITABLE if nothing but what it writes is "
        "there (it is empty at each start)"
    )


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _addresses(failure: Failure) -> set[str]:
    """Return where it listens with the right port."""
    return {address for address, port in failure.listens if port == failure.port}


def _other_port(failure: Failure) -> int | None:
    """Return the port it seems to serve instead of the one it was told."""
    if not failure.is_silent or _addresses(failure):
        return None
    seen = sorted(port for address, port in failure.listens if address in _EVERYWHERE)
    declared = [port for port in failure.exposed_ports if port in seen or not failure.listens]
    return next((port for port in [*declared, *seen] if port != failure.port), None)


_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
_SHM = r"/dev/shm|shm_open|shared memory"  # noqa: S108 - in the container
_FULL = r"no space left on device|ENOSPC"
_READ_ONLY = r"read-only file ?system|EROFS"
_DENIED = r"permission denied|PermissionError|EACCES"
_NO_HOME = r"no such file or directory.*/(home|root|nonexistent)/|HOME\b.*\bnot\b|home directory"
_REFUSES_ROOT = (
    r"(not|never|don't|refus\w+)\b.*\b(run|running|start\w*|execut\w+)\b.*\bas root\b"
    r"|\"root\" execution"
)
_CHANGES_USER = (
    r"set(res|re|fs|e)?[ug]id\b.*(not permitted|failed)"
    r"|(init|set)groups\b.*(not permitted|failed)|failed switching to|can't set (uid|gid|groups)"
    r"|(su-exec|gosu|setpriv|s6-\w+|runuser|start-stop-daemon|su)\b.*not permitted"
    r"|(chown|changing ownership)\b.*not permitted|must be (run|started) as root|uid is not 0"
    r"|exited with fatal code 2 and cannot be respawned"
    r"|^os\.(set\w*id|setgroups|initgroups|l?chown)\("
)
_MISSES_VARIABLE = (
    r"KeyError: ['\"][A-Z]|environment variable|missing .*\b[A-Z][A-Z0-9]*_[A-Z]"
    r"|\b[A-Z][A-Z0-9_]{2,}\b (is|was|must be) (not |un)?(set|defined|required|missing|empty)"
    r"|parameter (null or )?not set|unbound variable"
)
_IN_ENV_FILE = "in a file that POOL_ENV_FILE in .env names"
_ON_ALL = f"it must listen on 0.0.0.0; many images have a variable for that, {_IN_ENV_FILE}"

HABITS = (
    # --- It ended, or restarts all the time -----------------------------------------------------
    Habit(
        "needs more memory",
        lambda f: (
            f.oom_killed
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
        lambda f: f.says(_SHM) or (not f.runs and f.exit_code == BUS_ERROR),
        _always("needs more room in /dev/shm: raise POOL_SHM in .env, for example to 256m"),
    ),
    Habit(
        "fills a folder that is in memory",
        _says(_FULL),
        lambda f: (
            f"has no room left for {_path(f, _FULL) or 'a file'}: give its folder more in "
            "POOL_WRITABLE in .env, such as /tmp:256m"
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
        _says(r"failed to map segment from shared object|/tmp/\S+: permission denied"),
        _always("runs a program from /tmp: set POOL_WRITABLE=/tmp:exec in .env"),
    ),
    Habit(
        "refuses to be root",
        _says(_REFUSES_ROOT),
        _always("does not want to be root: set POOL_USER=1000 in .env, or leave it empty"),
    ),
    Habit(
        "starts as root and drops rights",
        _says(_CHANGES_USER),
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
        _says(_READ_ONLY),
        lambda f: (
            f"writes to {_path(f, _READ_ONLY) or 'its image'}: "
            + _let_it_write(f, _READ_ONLY, "set POOL_READ_ONLY=false")
        ),
    ),
    Habit(
        "listens on a low port where that takes root",
        _says(r"(bind|listen|port|:80|:443)\b.*(permission denied|EACCES)|EACCES.*:(80|443)\b"),
        _always("may not listen below 1024 here: let it listen on $PORT, or set POOL_PORT in .env"),
    ),
    Habit(
        "may not use a file",
        _says(_DENIED),
        lambda f: (
            f"may not use {_path(f, _DENIED) or 'a file'}: "
            + _let_it_write(f, _DENIED, "name the user whose it is in POOL_USER")
        ),
    ),
    Habit(
        "needs a home",
        _says(_NO_HOME),
        lambda f: (
            "needs a home to write to: "
            + _let_it_write(f, _NO_HOME, f"say HOME=/tmp {_IN_ENV_FILE}")
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
        lambda f: not f.runs and f.says(_MISSES_VARIABLE),
        lambda f: (
            f"misses {words.variable_in(f.last_words) or 'a variable'} in its environment: say it "
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
        lambda f: f.is_silent and "refused" in f.health_error and _addresses(f) == {"::"},
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
            f"answers its health check with {f.health_error}: set HEALTH_PATH in .env to a path "
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
            f"answers its health check with {f.health_error}: it lacks something, which it may "
            f"have said; what it needs to know is said {_IN_ENV_FILE}"
        ),
    ),
    Habit(
        "does not speak HTTP",
        lambda f: f.is_silent and _addresses(f) and "timed out" not in f.health_error,
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
