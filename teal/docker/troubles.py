"""Docker's many lines about a known trouble, as one line that says what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from teal.stack.ports import taken


@dataclass(frozen=True)
class _Trouble:
    """What Docker says (a regular expression), and what it means; `{0}` is what was caught."""

    said: str
    means: str


_KNOWN = [
    _Trouble(
        r"permission denied while trying to connect to the docker daemon"
        r"|dial unix \S+: connect: permission denied",
        "this user may not use Docker; add it to the group docker and log in again, or set "
        "RUNTIME=local",
    ),
    _Trouble(
        r"cannot connect to the docker daemon|error during connect",
        "the Docker engine does not answer; start it (systemctl start docker)",
    ),
    _Trouble(
        r"no space left on device|disk quota exceeded",
        "the disk is full; make room (df -h, docker system df, docker system prune)",
    ),
    _Trouble(
        r"pool overlaps with other one|could not find an available.*address pool"
        r"|conflicts with network",
        "the containers' network collides with another one; set DOCKER_SUBNET in .env to a free "
        "one (docker network ls)",
    ),
    # Before what follows: an image that nobody could be asked for is not one that does not exist.
    _Trouble(
        r"(?:get|head|post) \"?https?://([^/\s\"]+)[^\n]*"
        r"(?:timeout|refused|no such host|unreachable|reset|eof|forbidden|exceeded|certificate)"
        r"|lookup (\S+?)(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout)",
        "the registry {0} does not answer",
    ),
    _Trouble(
        r"pull access denied for ([^\s,]+)|manifest for (\S+) not found|no such image: ([^\s\"]+)"
        r"|(?:docker\.io/)?([^\s\"]+): not found$",
        "the image {0} is neither on this machine nor in its registry (or that wants a docker "
        "login); check its name",
    ),
    _Trouble(
        r"dependency failed to start: container \S+?-(\w+)-\d+ (?:is unhealthy|exited)",
        "{0} does not get well; what it says itself: make logs PART={0}",
    ),
    _Trouble(
        r"unknown (?:shorthand )?flag|is not a docker command|unsupported config option"
        r"|additional propert(?:y|ies)",
        "this Docker Compose is too old; install a newer one (https://docs.docker.com/compose/)",
    ),
]
_TAKEN = re.compile(
    r"(?:bind for|listen tcp[46]?|exposing port tcp) \[?[0-9a-f.:]+?\]?:([0-9]+)[^\n]*"
    r"(?:already allocated|address already in use)",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^error(:| response from daemon:)?\s*", re.IGNORECASE)
# What Compose reports of its progress.
_NOISE = re.compile(r"^ *(Container|Network|Volume|Image|Service|time=|\[\+\]|#\d|WARN)|^\s*$")


def in_one_line(text: str, ports: Mapping[int, str]) -> str:
    """Return what is wrong, in one line. `ports` names the setting of each published port."""
    if found := _TAKEN.search(text):
        port = int(found[1])
        return taken(port, ports.get(port))
    for trouble in _KNOWN:
        if found := re.search(trouble.said, text, re.IGNORECASE | re.MULTILINE):
            return trouble.means.format(next((g for g in found.groups() if g), ""))
    said = [line.strip() for line in text.splitlines() if not _NOISE.match(line)]
    return "docker: " + _PREFIX.sub("", said[-1] if said else "it does not say why")
