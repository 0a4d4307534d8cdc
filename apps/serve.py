"""How both applications are served: gunicorn, one process with many threads.

Promises: an answer that is on its way is finished when the server is asked to stop (SIGTERM), a
request that waits costs little, and nothing is written outside /tmp.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped] # ships no types

# Longer than nginx keeps an idle connection to a pool (60 s): it is nginx that closes first, so no
# request meets a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75
# Requests in flight may end after SIGTERM; then the process goes.
GRACEFUL_SECONDS = 30
HIGHEST_PORT = 65535
# What ends the master at once. SIGKILL does not where the master is process 1 of a container: the
# kernel ignores it from inside.
CRASH_SIGNAL = signal.SIGRTMIN
CRASH_STATUS = 128 + signal.SIGKILL
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, of <linux/prctl.h>

_worker: Any = None


def address(environment: Mapping[str, str]) -> str:
    """Return where to listen, from BIND and PORT. Raises ValueError that names the wrong one."""
    port = environment.get("PORT", "")
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= HIGHEST_PORT):
        raise ValueError(f"PORT must be a port from 1 to {HIGHEST_PORT}, not {port!r}")
    return f"{environment.get('BIND') or '127.0.0.1'}:{port}"


def refuse(error: ValueError) -> NoReturn:
    """End with status 2 and one clear line about a wrong setting."""
    print(f"cannot start: {error}", file=sys.stderr)
    sys.exit(2)


def is_stopping() -> bool:
    """Whether the server was asked to stop: answers without an end must end now."""
    return _worker is not None and not _worker.alive


def crash() -> None:
    """End the whole server as kill -9 would: no answer is finished, nothing is cleaned up."""
    if _worker is None:
        raise RuntimeError("only a served application can crash")
    os.kill(_worker.ppid, CRASH_SIGNAL)
    os.kill(os.getpid(), signal.SIGKILL)


class Server(BaseApplication):  # type: ignore[misc] # for the same reason
    """A gunicorn that is configured in Python. `threads` requests are served at a time."""

    def __init__(self, make_app: Callable[[], Flask], *, bind: str, threads: int) -> None:
        self._make_app = make_app
        self._options: dict[str, Any] = {
            "bind": bind,
            # One process: the state of a drill, and the messages, are in its memory.
            "workers": 1,
            "worker_class": "gthread",
            "threads": threads,
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            # Its heartbeat file; the only writable place in a container.
            "worker_tmp_dir": "/tmp",  # noqa: S108 - gunicorn makes an unnamed file in it
            "control_socket_disable": True,
            "loglevel": "info",
            "when_ready": _prepare_master,
            "post_worker_init": _prepare_worker,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand the options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker."""
        return self._make_app()


# Private


def _prepare_master(_: object) -> None:
    def leave(_signal: int, _frame: FrameType | None) -> NoReturn:
        os._exit(CRASH_STATUS)

    signal.signal(CRASH_SIGNAL, leave)


def _prepare_worker(worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    global _worker  # noqa: PLW0603 - gunicorn makes exactly one in this process
    _worker = worker
    # A worker whose master was killed would hold the port for as long as nginx keeps connections to
    # it, and the next master could not have it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != worker.ppid:
            os._exit(CRASH_STATUS)
