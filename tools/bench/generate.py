"""Writes an access log of made-up requests: any format, any length, the same for the same seed.

What varies is drawn from pools that are made beforehand, a second of the log at a time, so that a
million lines take seconds and no memory. The first requests are the same in a log of any format.
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from tools.bench.formats import Format

BLUE, GREEN = "127.0.0.1:8081", "127.0.0.1:8082"
SEED = 20_260_921
START = 1_790_000_000
LINES_PER_SECOND = 1000
# One pool serves at a time, as blue/green has it; it changes after so many seconds of the log.
SWITCH_SECONDS = 100


class CountingConfig(NamedTuple):
    """How a log differs from one that is easy to read."""

    # Durations around 0.3 s that hardly repeat, instead of around 25 ms.
    wide: bool = False
    # Each request is answered by either pool, instead of all by one for a while.
    alternating: bool = False
    # One line of so many is cut off; 0 for none.
    bad_every: int = 0


PLAIN = CountingConfig()


class Kind(NamedTuple):
    """Requests that are counted alike while blue serves; `addresses` are the attempts."""

    # How often, relative to the others.
    weight: float
    method: str
    status: str
    addresses: tuple[str, ...] = (BLUE,)
    statuses: tuple[str, ...] = ()
    streaming: str = "0"


KINDS = (
    Kind(760, "GET", "200"),
    Kind(60, "GET", "304"),
    Kind(40, "GET", "404"),
    Kind(57, "POST", "201"),
    Kind(15, "POST", "422"),
    Kind(15, "HEAD", "200"),
    Kind(12, "PUT", "204"),
    Kind(8, "DELETE", "204"),
    Kind(8, "OPTIONS", "204"),
    Kind(6, "PATCH", "200"),
    Kind(4, "GET", "200", streaming="1"),
    Kind(3, "GET", "499", statuses=("-",)),
    Kind(2, "GET", "500"),
    # nginx's own answers.
    Kind(3, "GET", "301", ()),
    Kind(2, "GET", "400", ()),
    # Retried: five of a thousand.
    Kind(3, "GET", "200", (BLUE, GREEN), ("502", "200")),
    Kind(1, "GET", "200", (BLUE, GREEN), ("504", "200")),
    Kind(0.5, "POST", "201", (BLUE, GREEN), ("502", "201")),
    Kind(0.5, "GET", "502", (BLUE, GREEN), ("502", "502")),
)


def write(
    path: Path, log_format: Format, lines: int, seed: int = SEED, *, config: CountingConfig = PLAIN
) -> int:
    """Write so many lines; return how many bytes they are. Raises OSError."""
    with path.open("wb") as file:
        for block in blocks(log_format, lines, seed, config=config):
            file.write(block)
        return file.tell()


def blocks(
    log_format: Format, lines: int, seed: int = SEED, *, config: CountingConfig = PLAIN
) -> Iterator[bytes]:
    """Yield so many lines in blocks, one for each second of the log."""
    template = "%s".join(piece.replace("%", "%%") for piece in log_format.pieces[::2]) + "\n"
    pick = itemgetter(*map(_VARIABLES.index, log_format.variables))
    rows = _rows(random.Random(seed), log_format.absent, config)
    written = 0
    while written < lines:
        count = min(lines - written, LINES_PER_SECOND)
        made = [template % pick(row) for row in islice(rows, count)]
        if config.bad_every:
            for place in range(-written % config.bad_every, count, config.bad_every):
                made[place] = made[place][: len(made[place]) // 3] + "\n"
        yield "".join(made).encode()
        written += count


# Private

_Row = tuple[str, ...]
_VARIABLES = (
    "desired", "request_method", "status", "upstream_addr", "upstream_status",
    "upstream_http_x_release_id", "streaming",
    "request_time", "upstream_response_time", "upstream_connect_time",
    "bytes_sent", "body_bytes_sent", "request_length",
    "time_iso8601", "time_local", "msec",
    "request", "request_uri", "http_user_agent", "remote_addr", "http_referer", "remote_user",
    "request_id",
)  # fmt: skip


def _rows(rng: random.Random, absent: str, config: CountingConfig) -> Iterator[_Row]:
    """Yield values in the order of _VARIABLES, for ever."""
    by_pool = [[_kind_texts(kind, absent, pool) for kind in KINDS] for pool in ("blue", "green")]
    weights = [kind.weight for kind in KINDS]
    shapes = [len(kind.addresses) for kind in KINDS]
    places = range(len(KINDS))
    times = _wide_times(rng, absent) if config.wide else _times(rng, absent)
    sizes = _sizes(rng)
    uris, agents, clients = _uris(rng), _agents(rng), _clients(rng)
    referers = [absent, *(f"https://shop.example.org{uri}" for uri in uris[:300])]
    for second in range(START, START + 10**9):
        kinds = by_pool[(second - START) // SWITCH_SECONDS % 2]
        when = datetime.fromtimestamp(second, UTC)
        moment = (when.isoformat(), when.strftime("%d/%b/%Y:%H:%M:%S %z"))
        ids = rng.randbytes(16 * LINES_PER_SECOND).hex()
        columns = [
            rng.choices(pool, k=LINES_PER_SECOND)
            for pool in (times, sizes, uris, agents, clients, referers)
        ]
        chosen = rng.choices(places, weights, k=LINES_PER_SECOND)
        for i, (place, time, size, uri, agent, client, referer) in enumerate(
            zip(chosen, *columns, strict=True)
        ):
            kind = rng.choice(by_pool)[place] if config.alternating else kinds[place]
            yield (
                *kind, *time[shapes[place]], *size,
                *moment, f"{second}.{i:03}",
                f"{kind[1]} {uri} HTTP/1.1", uri, agent, client, referer, absent,
                ids[i * 32 : i * 32 + 32],
            )  # fmt: skip


def _kind_texts(kind: Kind, absent: str, pool: str) -> _Row:
    statuses = kind.statuses or (kind.status,) * len(kind.addresses)
    others = {BLUE: BLUE, GREEN: GREEN} if pool == "blue" else {BLUE: GREEN, GREEN: BLUE}
    addresses = [others[address] for address in kind.addresses]
    release = "v1.4.2" if addresses[-1:] == [BLUE] else "v1.5.0"
    return (
        pool,
        kind.method,
        kind.status,
        ", ".join(addresses) or absent,
        ", ".join(statuses) if addresses else absent,
        release if addresses else absent,
        kind.streaming,
    )


def _times(rng: random.Random, absent: str) -> list[tuple[_Row, ...]]:
    """Return durations (request, upstream response, connect) for none, one and two attempts."""
    pool: list[tuple[_Row, ...]] = []
    for _ in range(20_000):
        total = min(rng.lognormvariate(-3.7, 1.1), 55.0)
        response = max(total - rng.choice((0.0, 0.0, 0.001)), 0.0)
        connect = rng.choice((0.0, 0.0, 0.0, 0.001))
        one = (f"{total:.3f}", f"{response:.3f}", f"{connect:.3f}")
        two = (one[0], f"0.000, {one[1]}", f"-, {one[2]}")
        pool.append((("0.000", absent, absent), one, two))
    return pool


def _wide_times(rng: random.Random, absent: str) -> list[tuple[_Row, ...]]:
    """Return durations like `_times`, log-normal with a median of 0.3 s; hardly any repeats."""
    pool: list[tuple[_Row, ...]] = []
    for _ in range(200_000):
        total = min(rng.lognormvariate(math.log(0.3), 1.1), 55.0)
        response = total * rng.uniform(0.95, 1.0)
        one = (f"{total:.3f}", f"{response:.3f}", f"{rng.uniform(0, 0.004):.3f}")
        two = (one[0], f"0.000, {one[1]}", f"-, {one[2]}")
        pool.append((("0.000", absent, absent), one, two))
    return pool


def _sizes(rng: random.Random) -> list[_Row]:
    """Return bytes sent, those of the body, and bytes received."""
    bodies = (int(rng.lognormvariate(8.0, 1.6)) for _ in range(10_000))
    return [(str(body + 310), str(body), str(rng.randint(180, 1900))) for body in bodies]


def _uris(rng: random.Random) -> list[str]:
    words = ("api", "users", "orders", "items", "search", "assets", "v1", "v2", "cart", "account")
    return [
        "/"
        + "/".join(rng.choices(words, k=rng.randint(1, 4)))
        + f"/{rng.randrange(10**6)}"
        + (f"?page={rng.randrange(100)}&sort=name&q={rng.randrange(16**8):x}" if i % 3 else "")
        for i in range(5000)
    ]


def _agents(rng: random.Random) -> list[str]:
    systems = (
        "X11; Linux x86_64",
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
    )
    browsers = [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{rng.randint(90, 140)}.0.{rng.randrange(6000)}.{rng.randrange(200)} Safari/537.36"
        for system in systems
        for _ in range(60)
    ]
    return [*browsers, "curl/8.5.0", "Go-http-client/1.1", "kube-probe/1.31"]


def _clients(rng: random.Random) -> list[str]:
    return [
        f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(4000)
    ]
