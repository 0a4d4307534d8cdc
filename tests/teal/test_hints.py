"""What a failed pool's last words tell: one row for each habit, and no row takes another's."""

import pytest

from teal.docker.closer_look import parse_health, parse_listeners
from teal.stack.hints import HABITS, Fallen, hint


def _ended(*words, code=1, **more):
    return {"state": "restarting", "exit_code": code, "words": words, **more}


def _runs(health, *listens, **more):
    return {"state": "running", "health": health, "listens": listens, **more}


ALL = "0.0.0.0"  # noqa: S104 - read, not bound
REFUSED = "connection refused"
NO_SHM = "OSError: [Errno 28] No space left on device: '/dev/shm/x'"
NO_MAP = "libnetty.so: failed to map segment from shared object: Operation not permitted"
NGINX_CHOWN = '[emerg] 8#8: chown("/var/lib/nginx/body", 101) failed (1: Operation not permitted)'
NGINX_WORKER = "worker process 13 exited with fatal code 2 and cannot be respawned"
NGINX_MKDIR = '[emerg] 6#6: mkdir() "/var/lib/nginx/body" failed (30: Read-only file system)'
SH_CREATE = "/entry.sh: line 3: can't create /var/log/shop/log: Read-only file system"
NO_USER = "unable to find user shop: no matching entries in passwd file"
NO_FILE = "FileNotFoundError: [Errno 2] No such file or directory: '/home/app/.cache'"

# habit -> what it looks like, as programs really say it, and the words that must be in the advice.
SEEN = {
    "needs more memory": [
        (_ended(code=137, was_out_of_memory=True), "POOL_MEMORY"),
        (_ended("FATAL ERROR: ... JavaScript heap out of memory"), "POOL_MEMORY"),
    ],
    "needs more threads": [(_ended("RuntimeError: can't start new thread"), "POOL_PIDS")],
    "needs shared memory": [(_ended(NO_SHM), "POOL_SHM"), (_ended(code=135), "POOL_SHM")],
    "fills a folder that is in memory": [
        (_ended("write error: '/tmp/upload.1': No space left on device"), "for /tmp/upload.1"),
    ],
    "is made for another machine": [
        (_ended("exec /app/shop: exec format error", code=255), "BLUE_IMAGE"),
    ],
    "insists on being process 1": [
        (_ended("s6-overlay-suexec: fatal: can only run as pid 1", code=100), "POOL_INIT=false"),
    ],
    "has a program with capabilities (setcap)": [
        (
            _ended("[FATAL tini (8)] exec /usr/bin/caddy failed: Operation not permitted"),
            "POOL_CAPS=NET_BIND_SERVICE",
        ),
    ],
    "runs what it unpacked into /tmp": [
        (_ended(NO_MAP), "POOL_WRITABLE=/tmp:exec"),
        (_ended("PermissionError: [Errno 13] Permission denied: '/tmp/java'"), "POOL_WRITABLE="),
        (_ended("sh: 1: /tmp/java: Permission denied", code=126), "POOL_WRITABLE="),
    ],
    "refuses to be root": [
        (_ended("can not run elasticsearch as root"), "POOL_USER=1000"),
        (_ended('"root" execution of the PostgreSQL server is not permitted.'), "POOL_USER"),
    ],
    "starts as root and drops rights": [
        (_ended("setpriv: setresuid failed: Operation not permitted", code=127), "POOL_CAPS"),
        (
            _ended("error: failed switching to 'redis': operation not permitted"),
            "POOL_USER=root and POOL_CAPS='CHOWN SETGID SETUID'",
        ),
        (
            _ended("chown: changing ownership of '/data': Operation not permitted"),
            "name that user in POOL_USER",
        ),
        (_ended("su-exec: setgroups: Operation not permitted"), "POOL_CAPS"),
        (_ended(NGINX_CHOWN), "POOL_CAPS"),
        (
            _runs("timed out", words=[NGINX_WORKER]),
            "POOL_CAPS",
        ),
        (
            _ended("os.setgid(1000)", "PermissionError: [Errno 1] Operation not permitted"),
            "POOL_CAPS",
        ),
    ],
    "does not know the user": [
        ({"state": "created", "exit_code": 126, "error": NO_USER}, "POOL_USER")
    ],
    "writes into its image": [
        (
            _ended("OSError: [Errno 30] Read-only file system: '/app/cache'"),
            "writes to /app/cache: set POOL_READ_ONLY=false in .env, or",
        ),
        (_ended(NGINX_MKDIR), "add /var/lib/nginx to POOL_WRITABLE"),
        (_ended(SH_CREATE), "writes to /var/log/shop/log: add /var/log/shop to POOL_WRITABLE"),
        (
            _ended("Error: EROFS: read-only file system, mkdir '/root/.npm/_logs'"),
            "add /root/.npm to POOL_WRITABLE",
        ),
    ],
    "listens on a low port where that takes root": [
        (_ended("listen tcp :80: bind: permission denied"), "POOL_PORT"),
        (_ended("Error: listen EACCES: permission denied 0.0.0.0:80"), "POOL_PORT"),
    ],
    "may not use a file": [
        (
            _ended("PermissionError: [Errno 13] Permission denied: '/app/db.sqlite3'"),
            "name the user whose it is in POOL_USER",
        ),
        (
            _ended("Error: EACCES: permission denied, open '/data/shop.db'"),
            "add /data to POOL_WRITABLE",
        ),
    ],
    "needs a home": [(_ended(NO_FILE), "add /home/app to POOL_WRITABLE")],
    "has no such command": [
        (_ended("[FATAL tini (7)] exec shop failed: No such file or directory", code=127), "IMAGE"),
        (
            {"state": "created", "error": 'exec: "shop": executable file not found in $PATH'},
            "BLUE_IMAGE",
        ),
    ],
    "needs a variable": [
        (_ended("KeyError: 'DATABASE_URL'"), "misses DATABASE_URL"),
        (_ended("error: DATABASE_URL is not set"), "misses DATABASE_URL"),
        (_ended("Missing required environment variable SECRET_KEY_BASE"), "SECRET_KEY_BASE"),
        (_ended("/entry.sh: 3: DB_HOST: parameter not set", code=2), "POOL_ENV_FILE"),
    ],
    "ends at once": [
        ({"state": "exited", "exit_code": 0}, "exit code 0"),
        (_ended("migrated", code=0), "no server"),
    ],
    "listens on 127.0.0.1 only": [
        (_runs(REFUSED, ("127.0.0.1", 8081)), "listens on 127.0.0.1 only"),
        (_runs(REFUSED, ("127.0.0.1", 8081), ("::1", 8081)), f"must listen on {ALL}"),
    ],
    "listens on IPv6 only": [(_runs(REFUSED, ("::", 8081)), "IPv6 only")],
    "listens on a fixed port": [
        (
            _runs(REFUSED, (ALL, 3000)),
            "listens on port 3000, not on $PORT (8081): set POOL_PORT=3000",
        ),
        (_runs(REFUSED, ("::", 22), ("::", 3000), exposed_ports=[3000]), "POOL_PORT=3000"),
        (_runs(REFUSED, exposed_ports=[8000]), "POOL_PORT=8000"),
    ],
    "has its health elsewhere": [
        (_runs("HTTP 404"), "HTTP 404: set HEALTH_PATH"),
        (_runs("HTTP 301"), "HEALTH_PATH"),
        (_runs("HTTP 401"), "HEALTH_PATH"),
    ],
    "wants to be called by a name": [(_runs("HTTP 400"), "ALLOWED_HOSTS")],
    "is not well": [(_runs("HTTP 503"), "HTTP 503")],
    "does not speak HTTP": [(_runs("hung up", (ALL, 8081)), "plain HTTP")],
    "starts slowly": [
        (_runs(REFUSED), "POOL_START_SECONDS"),
        (_runs("timed out", (ALL, 8081)), "POOL_START_SECONDS"),
    ],
}


def test_every_habit_was_seen():
    """A new row needs an example."""
    assert [habit.name for habit in HABITS] == list(SEEN)


@pytest.mark.parametrize(
    ("habit", "seen", "words"),
    [(habit, *case) for habit, cases in SEEN.items() for case in cases],
)
def test_a_habit_is_told_by_its_own_row(habit, seen, words):
    """The first row that matches is the right one, and its advice names the setting."""
    fallen = Fallen(pool="blue", port=8081, **seen)
    first = next(each for each in HABITS if each.shows(fallen))
    said = hint(fallen)

    assert habit == first.name
    assert said.startswith("blue ")
    assert words in said
    assert "\n" not in said


def test_nobody_can_tell_from_nothing():
    """No advice is better than a wrong one."""
    assert hint(Fallen(pool="blue", state="exited", exit_code=3)) is None
    assert hint(Fallen(pool="blue", state="dead", exit_code=1, words=["panic: oops"])) is None


def test_the_kernels_table_of_sockets_is_read():
    """IPv4 and IPv6, listening only, without Docker's own resolver."""
    tables = """200
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2
   2: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 3
   3: 0B4ED50A:0BB8 0A4ED50A:CAFE 01 00000000:00000000 00:00000000 00000000  1000        0 4
   0: 00000000000000000000000000000000:1F92 00000000000000000000000000000000:0000 0A 00000000
   1: 00000000000000000000000001000000:1F93 00000000000000000000000000000000:0000 0A 00000000
"""

    assert [
        ("127.0.0.1", 8081),
        ("0.0.0.0", 3000),  # noqa: S104 - read, not bound
        ("::", 8082),
        ("::1", 8083),
    ] == list(parse_listeners(tables))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("0 200\n", "HTTP 200"),
        ("0 404\n", "HTTP 404"),
        ("7 000\n", "connection refused"),
        ("28 000\n", "timed out"),
        ("52 000\n", "hung up"),
        ("", ""),
    ],
)
def test_what_a_health_check_gets_is_said_in_words(said, words):
    """As curl told it."""
    assert words == parse_health(said)
