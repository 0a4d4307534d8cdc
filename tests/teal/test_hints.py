"""What a failed pool's last words tell: one row for each habit, and no row takes another's."""

import pytest

from teal.failures import parse_health, parse_listeners
from teal.hints import HABITS, Failure, hint

# habit -> what it looks like, as programs really say it, and the words that must be in the advice.
SEEN = {
    "needs more memory": [
        ({"exit_code": 137, "oom_killed": True}, "POOL_MEMORY"),
        ({"exit_code": 1, "last_words": ["FATAL ERROR: ... JavaScript heap out of memory"]}, ""),
    ],
    "needs more threads": [
        ({"exit_code": 1, "last_words": ["RuntimeError: can't start new thread"]}, "POOL_PIDS"),
    ],
    "needs shared memory": [
        (
            {"exit_code": 1, "last_words": ["OSError: [Errno 28] No space left on device: '/dev/shm/x'"]},
            "POOL_SHM",
        ),
        ({"exit_code": 135}, "POOL_SHM"),
    ],
    "fills a folder that is in memory": [
        (
            {"exit_code": 1, "last_words": ["write error: '/tmp/upload.1': No space left on device"]},
            "no room left for /tmp/upload.1",
        ),
    ],
    "is made for another machine": [
        ({"exit_code": 255, "last_words": ["exec /app/shop: exec format error"]}, "BLUE_IMAGE"),
    ],
    "insists on being process 1": [
        (
            {"exit_code": 100, "last_words": ["s6-overlay-suexec: fatal: can only run as pid 1"]},
            "POOL_INIT=false",
        ),
    ],
    "has a program with capabilities (setcap)": [
        (
            {
                "exit_code": 1,
                "last_words": ["[FATAL tini (8)] exec /usr/bin/caddy failed: Operation not permitted"],
            },
            "POOL_CAPS=NET_BIND_SERVICE",
        ),
    ],
    "runs what it unpacked into /tmp": [
        (
            {
                "exit_code": 1,
                "last_words": [
                    "java.lang.UnsatisfiedLinkError: /tmp/libnetty.so: failed to map segment from "
                    "shared object: Operation not permitted"
                ],
            },
            "POOL_WRITABLE=/tmp:exec",
        ),
    ],
    "refuses to be root": [
        ({"exit_code": 1, "last_words": ["can not run elasticsearch as root"]}, "POOL_USER=1000"),
        (
            {
                "exit_code": 1,
                "last_words": ['"root" execution of the PostgreSQL server is not permitted.'],
            },
            "POOL_USER",
        ),
    ],
    "starts as root and drops rights": [
        ({"exit_code": 127, "last_words": ["setpriv: setresuid failed: Operation not permitted"]}, ""),
        (
            {
                "exit_code": 1,
                "last_words": ["error: failed switching to 'redis': operation not permitted"],
            },
            "POOL_USER=root and POOL_CAPS='CHOWN SETGID SETUID'",
        ),
        (
            {
                "exit_code": 1,
                "last_words": ["chown: changing ownership of '/data': Operation not permitted"],
            },
            "name that user in POOL_USER",
        ),
        (
            {"exit_code": 1, "last_words": ["su-exec: setgroups: Operation not permitted"]},
            "",
        ),
        (
            {
                "exit_code": 1,
                "last_words": ['[emerg] 8#8: chown("/var/lib/nginx/body", 101) failed (1: Operation not permitted)'],
            },
            "",
        ),
        (
            {
                "state": "running",
                "health_error": "timed out",
                "last_words": ["worker process 13 exited with fatal code 2 and cannot be respawned"],
            },
            "POOL_CAPS",
        ),
        (
            {
                "exit_code": 1,
                "last_words": ["os.setgid(1000)", "PermissionError: [Errno 1] Operation not permitted"],
            },
            "",
        ),
    ],
    "does not know the user": [
        (
            {"state": "created", "exit_code": 126, "last_words": ["unable to find user shop: no matching entries in passwd file"]},
            "POOL_USER",
        ),
    ],
    "writes into its image": [
        (
            {"exit_code": 1, "last_words": ["OSError: [Errno 30] Read-only file system: '/app/cache'"]},
            "writes to /app/cache: set POOL_READ_ONLY=false in .env, or",
        ),
        (
            {
                "exit_code": 1,
                "last_words": [
                    '[emerg] 6#6: mkdir() "/var/lib/nginx/body" failed (30: Read-only file system)'
                ],
            },
            "add /var/lib/nginx to POOL_WRITABLE",
        ),
        (
            {
                "exit_code": 1,
                "last_words": ["/entry.sh: line 3: can't create /var/log/shop.log: Read-only file system"],
            },
            "writes to /var/log/shop.log",
        ),
        (
            {"exit_code": 1, "last_words": ["Error: EROFS: read-only file system, mkdir '/root/.npm/_logs'"]},
            "add /root/.npm to POOL_WRITABLE",
        ),
    ],
    "listens on a low port where that takes root": [
        (
            {"exit_code": 1, "last_words": ["listen tcp :80: bind: permission denied"]},
            "POOL_PORT",
        ),
        ({"exit_code": 1, "last_words": ["Error: listen EACCES: permission denied 0.0.0.0:80"]}, ""),
    ],
    "may not use a file": [
        (
            {"exit_code": 1, "last_words": ["PermissionError: [Errno 13] Permission denied: '/app/db.sqlite3'"]},
            "name the user whose it is in POOL_USER",
        ),
        (
            {"exit_code": 1, "last_words": ["Error: EACCES: permission denied, open '/data/shop.db'"]},
            "add /data to POOL_WRITABLE",
        ),
    ],
    "needs a home": [
        (
            {
                "exit_code": 1,
                "last_words": ["FileNotFoundError: [Errno 2] No such file or directory: '/home/app/.cache'"],
            },
            "add /home/app to POOL_WRITABLE",
        ),
    ],
    "has no such command": [
        ({"exit_code": 127, "last_words": ["[FATAL tini (7)] exec shop failed: No such file or directory"]}, ""),
        (
            {"state": "created", "exit_code": 127, "last_words": ['exec: "shop": executable file not found in $PATH']},
            "BLUE_IMAGE",
        ),
    ],
    "needs a variable": [
        ({"exit_code": 1, "last_words": ["KeyError: 'DATABASE_URL'"]}, "misses DATABASE_URL"),
        ({"exit_code": 1, "last_words": ["error: DATABASE_URL is not set"]}, "misses DATABASE_URL"),
        (
            {"exit_code": 1, "last_words": ["Missing required environment variable SECRET_KEY_BASE"]},
            "misses SECRET_KEY_BASE",
        ),
        ({"exit_code": 2, "last_words": ["/entry.sh: 3: DB_HOST: parameter not set"]}, "POOL_ENV_FILE"),
    ],
    "ends at once": [({"state": "exited"}, "exit code 0"), ({"state": "restarting"}, "no server")],
    "listens on 127.0.0.1 only": [
        (
            {"state": "running", "health_error": "connection refused", "listens": [("127.0.0.1", 8081)]},
            "listens on 127.0.0.1 only",
        ),
        (
            {"state": "running", "health_error": "connection refused", "listens": [("127.0.0.1", 8081), ("::1", 8081)]},
            "0.0.0.0",
        ),
    ],
    "listens on IPv6 only": [
        (
            {"state": "running", "health_error": "connection refused", "listens": [("::", 8081)]},
            "IPv6 only",
        ),
    ],
    "listens on a fixed port": [
        (
            {"state": "running", "health_error": "connection refused", "listens": [("0.0.0.0", 3000)]},  # noqa: S104
            "listens on port 3000, not on $PORT (8081): set POOL_PORT=3000",
        ),
        (
            {
                "state": "running",
                "health_error": "connection refused",
                "listens": [("::", 22), ("::", 3000)],
                "exposed_ports": [3000],
            },
            "POOL_PORT=3000",
        ),
        (
            {"state": "running", "health_error": "connection refused", "exposed_ports": [8000]},
            "POOL_PORT=8000",
        ),
    ],
    "has its health elsewhere": [
        ({"state": "running", "health_error": "HTTP 404"}, "HTTP 404: set HEALTH_PATH"),
        ({"state": "running", "health_error": "HTTP 301"}, "HEALTH_PATH"),
        ({"state": "running", "health_error": "HTTP 401"}, "HEALTH_PATH"),
    ],
    "wants to be called by a name": [
        ({"state": "running", "health_error": "HTTP 400"}, "ALLOWED_HOSTS"),
    ],
    "is not well": [({"state": "running", "health_error": "HTTP 503"}, "HTTP 503")],
    "does not speak HTTP": [
        (
            {"state": "running", "health_error": "hung up", "listens": [("0.0.0.0", 8081)]},  # noqa: S104
            "plain HTTP",
        ),
    ],
    "starts slowly": [
        ({"state": "running", "health_error": "connection refused"}, "POOL_START_SECONDS"),
        ({"state": "running", "health_error": "timed out", "listens": [("0.0.0.0", 8081)]}, ""),  # noqa: S104
    ],
}  # fmt: skip


def test_every_habit_was_seen():
    """A new row needs an example."""
    assert [habit.name for habit in HABITS] == list(SEEN)


@pytest.mark.parametrize(
    ("habit", "seen", "words"),
    [(habit, *case) for habit, cases in SEEN.items() for case in cases],
)
def test_a_habit_is_told_by_its_own_row(habit, seen, words):
    """The first row that matches is the right one, and its advice names the setting."""
    failure = Failure(pool="blue", port=8081, **{"state": "restarting", **seen})
    first = next(each for each in HABITS if each.shows(failure))
    said = hint(failure)

    assert habit == first.name
    assert said.startswith("blue ")
    assert words in said
    assert "\n" not in said


def test_nobody_can_tell_from_nothing():
    """No advice is better than a wrong one."""
    assert hint(Failure(pool="blue", state="exited", exit_code=3)) is None
    assert hint(Failure(pool="blue", state="dead", exit_code=1, last_words=["panic: oops"])) is None


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
