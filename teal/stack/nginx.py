"""nginx's configuration: filled in beside the one that is used, tested, then put in its place.

    layout.nginx/
        current -> 3f9c...  what nginx reads when it starts, and on HUP
        3f9c.../            the filled-in templates, named after what is in them
        rotate              the numbers of nginx/rotate.sh, which reads them every few seconds

Both ways to run use this. They differ in addresses and paths (`Surroundings`), and in how nginx is
tested, signalled and asked.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from teal.bootstrap import ROOT
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings
from teal.stack.layout import Layout
from teal.stack.templates import fill_in
from teal.wait import wait_for

TEMPLATES = ROOT / "nginx" / "templates"
# Old nginx is given two seconds before it is signalled (teal/front_door/); the rest is for a busy
# machine.
LOADED_LIMIT_SECONDS = 30
# While workers change, an old one may still answer: this many new answers in a row are the proof.
ANSWERS_IN_A_ROW = 3
A_LONG_TEST_SECONDS = 600
# The one name that it answers to at its status port.
STATUS_NAME = "status"
_KEEPALIVE_MIN_TIMEOUT_SINCE = (1, 27, 4)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where nginx finds itself: addresses and paths as it sees them, and its version."""

    run: str
    log: str
    state: str
    spool: str
    pools: Mapping[str, str]
    # Addresses with ports; an IPv6 address stands in brackets.
    http_listen: Sequence[str]
    # The address of its private ports, and the networks from which these may be asked.
    private: str
    inside: str
    version: tuple[int, ...]
    # What is said in `geo`: who gets no answer at the front door.
    strangers: str = "default 0;"
    # A whole directive, or nothing.
    user: str = ""


def values(settings: Settings, around: Surroundings) -> dict[str, str]:
    """Return what the templates are filled in with, all but the generation."""
    waits = around.version >= _KEEPALIVE_MIN_TIMEOUT_SINCE
    return {
        "NGINX_USER_DIRECTIVE": around.user,
        "NGINX_RUN_DIR": around.run,
        "LOG_DIR": around.log,
        "STATE_DIR": around.state,
        "SPOOL_DIR": around.spool,
        "BLUE_ADDR": around.pools["blue"],
        "GREEN_ADDR": around.pools["green"],
        "HTTP_LISTEN": "\n    ".join(f"listen {address};" for address in around.http_listen),
        "STRANGERS": around.strangers,
        "STATUS_LISTEN": f"{around.private}:{settings.status_port}",
        "BLUE_DIRECT": f"{around.private}:{settings.blue_port}",
        "GREEN_DIRECT": f"{around.private}:{settings.green_port}",
        "INSIDE": around.inside,
        "READ_TIMEOUT": settings.read_timeout,
        "POOL_KEEPALIVE": settings.pool_keepalive,
        "DRAIN_TIMEOUT": settings.drain_timeout,
        # Longer than most clients think between two requests, and a while that an old worker lasts.
        "KEEPALIVE_MIN_TIMEOUT": "keepalive_min_timeout 5s;" if waits else "",
        "DRAIN_CHECK": "" if waits else f"""if (-f "{around.run}/drain") {{ return 419; }}""",
    }


def prepare(
    settings: Settings, layout: Layout, around: Surroundings, test: Callable[[Path], str]
) -> str:
    """Fill in the templates and put them where nginx reads them, if nginx accepts them.

    `test` is given the folder and returns what `nginx -t` says against it, "" if nothing. Return
    the generation: what `/generation` at the status port answers once nginx runs this. Raises
    RuntimeFailedError; what nginx reads is as before then.
    """
    layout.nginx.mkdir(parents=True, exist_ok=True)
    try:
        beside = Path(tempfile.mkdtemp(prefix="next-", dir=layout.nginx))
    except OSError as error:
        raise _not_written(error) from error
    try:
        generation = render(settings, beside, around)
        # The container's user reads it, whatever the umask.
        for path in (*beside.iterdir(), beside):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if refused := test(beside):
            raise RuntimeFailedError(f"nginx refuses its configuration: {_explain(refused)}")
        _put_in_place(layout, beside, generation)
        _write_numbers(settings, layout)
    except OSError as error:
        raise _not_written(error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return generation


def load(
    layout: Layout,
    generation: str,
    *,
    runs: Callable[[], str | None],
    reload: Callable[[], None],
    before: str | None,
) -> bool:
    """Have nginx run a prepared configuration; return whether it had to be told.

    `runs` asks nginx for its generation, `reload` signals it. `before` is the generation to go back
    to when nginx does not take the new one. Raises RuntimeFailedError.
    """
    if runs() == generation:
        return False
    reload()
    try:
        wait_for(
            lambda: all(runs() == generation for _ in range(ANSWERS_IN_A_ROW)),
            what="nginx to run its new configuration",
            seconds=LOADED_LIMIT_SECONDS,
        )
    except WaitedTooLongError as error:
        if before and (layout.nginx / before).exists():
            _point_to(layout, before)
        raise RuntimeFailedError(
            f"{error}; it goes on with the one before, and says why: make logs PART=nginx FOLLOW=0"
        ) from error
    return True


def current(layout: Layout) -> str | None:
    """Return the generation that nginx reads when it starts; None before the first."""
    link = layout.nginx / "current"
    return link.readlink().name if link.is_symlink() else None


def render(settings: Settings, folder: Path, around: Surroundings) -> str:
    """Fill in the templates and return the generation: a digest of all that nginx reads."""
    known = values(settings, around)
    fill_in(TEMPLATES, folder, known)
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.conf")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    generation = digest.hexdigest()[:12]
    fill_in(TEMPLATES, folder, {**known, "GENERATION": generation})
    return generation


def refusal(said: str) -> str:
    """Return nginx's own complaint out of what `nginx -t` printed."""
    # Without the time and the process, which are those of the test.
    reason = re.search(r"\[(?:emerg|alert|crit)\] (?:\d+#\d+: )?(.*)", said)
    lines = said.strip().splitlines()
    return reason[1] if reason else lines[-1] if lines else "no reason given"


# Private


def _put_in_place(layout: Layout, beside: Path, generation: str) -> None:
    """Make a rendered folder the current one: at any moment it is the old one or the new, whole."""
    # On disk before the link is: after a power cut, nginx must come back.
    for path in (*beside.iterdir(), beside):
        _to_disk(path)
    final, old = layout.nginx / generation, current(layout)
    if not _same(beside, final):
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
    _point_to(layout, generation)
    for path in layout.nginx.iterdir():
        if path.name not in (generation, old) and _is_left_over(path):
            shutil.rmtree(path, ignore_errors=True)


def _point_to(layout: Layout, generation: str) -> None:
    beside = layout.nginx / f"current.{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(generation)
    beside.replace(layout.nginx / "current")
    _to_disk(layout.nginx)


def _same(one: Path, other: Path) -> bool:
    def texts(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.glob("*")}

    return texts(one) == texts(other)


def _is_left_over(path: Path) -> bool:
    """Whether this is an older generation, or what a killed `make up` was about to test."""
    if re.fullmatch(r"next-\w+", path.name):
        return time.time() - path.stat().st_mtime > A_LONG_TEST_SECONDS
    return bool(re.fullmatch(r"[0-9a-f]{12}", path.name))


def _write_numbers(settings: Settings, layout: Layout) -> None:
    numbers = layout.nginx / "rotate"
    beside = layout.nginx / f"rotate.{os.getpid()}"
    beside.write_text(f"{settings.log_rotate_mb} {settings.log_rotate_keep}\n")
    beside.chmod(0o644)
    beside.replace(numbers)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(refused: str) -> str:
    """Say it in terms of the file that a person edits: lines are the same in both."""
    return re.sub(r"""[^\s"]*/next-\w+/(\w+\.conf)""", r"nginx/templates/\1.template", refused)


def _not_written(error: OSError) -> RuntimeFailedError:
    return RuntimeFailedError(
        f"nginx's configuration could not be written: {error.strerror} ({error.filename}); nginx "
        "goes on with the one before"
    )
