"""Runs nginx as a plain process and never lets go of its listening sockets.

Whatever ends the master, the next one is started with the same sockets while the workers of before
finish what they serve: nobody is refused. The sockets are opened here and handed over in nginx's
own way, the variable NGINX that it uses for its upgrade on the fly. When this process itself is
killed, nginx goes on, and the next one of us takes it over.

usage: python -m teal.front_door FOLDER NGINX...

HUP   reload (with another listen address: a new master, then the old one finishes)
USR1  reopen the log
TERM, QUIT, INT  stop: nginx serves on for a moment, for a supervisor that restarts us; if nobody
      takes it over it refuses new connections, and what is open finishes by itself

In a container, where there is no Python, nginx/start.sh does this as well as a shell can.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from teal.front_door.configuration import Configuration
from teal.front_door.sockets import Sockets
from teal.processes import nginx_processes
from teal.processes.nginx_processes import NginxProcess

LOOK_SECONDS = 0.1
# For how long an old nginx tells its clients to close before it is told to reload. A client that
# sends a request at least this often loses none.
TELL_CLIENTS_SECONDS = 2.0
# When nginx refuses to reload, its workers do not change; clients need not be told for ever.
FLAG_SECONDS = 10.0
# How long nginx waits for the next one of us before it stops. Its supervisor needs a blink of it.
HEIR_SECONDS = 3.0
# Once asked to stop, nginx closes its listening sockets within milliseconds; what hangs is killed.
STOP_SECONDS = 3.0
FINISH_SECONDS = 0.3
RETRY_SECONDS = 1.0
TEST_SECONDS = 20
# A worker that does not end by itself this long after its limit never will.
HANGS_SECONDS = 10
_SIGNALS = {
    signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGCHLD
}  # fmt: skip


class FrontDoor:
    """One nginx: its sockets, its master, and those masters and workers that finish."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._folder = folder
        self._command = command
        self._flag = folder / "drain"
        self._pid_file = folder / "parent.pid"
        self._configuration = Configuration(command)
        self._sockets = Sockets()
        self._master: int | None = None
        # A descriptor of the master that is a listening socket as long as it serves.
        self._sign: tuple[int, str] | None = None
        self._succeeds = False
        self._asked: dict[int, float] = {}
        self._start_at = 0.0
        self._failures = 0
        self._reload_at: float | None = None
        self._workers_before: set[int] | None = None
        self._flag_until = 0.0

    def run(self) -> int:
        """Serve until told to stop."""
        # The log holds what users sent: not for everybody on the machine.
        os.umask(0o027)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._pid_file.write_text(f"{os.getpid()}\n")
        self._flag.unlink(missing_ok=True)
        self._take_over()
        while True:
            got = signal.sigtimedwait(_SIGNALS, LOOK_SECONDS)
            number = got.si_signo if got else None
            if number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
                return self._stop()
            if number == signal.SIGHUP:
                self._prepare_reload()
            if number == signal.SIGUSR1:
                for process in self._processes():
                    nginx_processes.send(process.pid, signal.SIGUSR1)
            self._look()

    # Private

    def _take_over(self) -> None:
        """Go on with what a killed one of us, or an older Teal, left behind."""
        left = self._processes()
        self._sockets.copy(left, self._configuration.listens())
        for master in left:
            listens = nginx_processes.listening(master.pid)
            if master.is_master and listens and master.title.endswith(" ".join(self._command)):
                self._master, self._sign = master.pid, next(iter(listens.items()))
                self._say(f"taking over nginx ({master.pid}), which serves")
                self._ask_others_to_finish()
                return
        if left:
            self._say("taking over what an nginx left behind")
        elif spool := self._configuration.spool():
            # What a crash left behind; no nginx runs that may use it.
            shutil.rmtree(spool, ignore_errors=True)

    def _look(self) -> None:
        self._reap()
        now = time.monotonic()
        if self._master is None:
            if now >= self._start_at:
                self._start()
        elif not self._master_serves():
            gone = self._master not in {process.pid for process in self._processes()}
            self._say(
                f"nginx ({self._master}) {'is gone' if gone else 'finishes'}; a new one starts"
            )
            self._master = None
            self._start()
        elif self._succeeds and self._has_workers(self._master):
            self._succeeds = False
            self._failures = 0
            self._ask_others_to_finish()
        if self._reload_at is not None and now >= self._reload_at:
            self._reload()
        if self._workers_before is not None and (
            now > self._flag_until or not self._workers_before & self._serving()
        ):
            self._workers_before = None
            self._flag.unlink(missing_ok=True)
        self._kill_what_hangs(now)

    def _master_serves(self) -> bool:
        if self._master is None:
            return False
        if self._sign is None:
            # Just started: it holds our sockets under the numbers they have here.
            return Path(f"/proc/{self._master}/cwd").is_symlink()
        return nginx_processes.holds(self._master, *self._sign)

    def _start(self) -> None:
        """Start a master with our sockets; those that served before are asked to finish later."""
        try:
            self._open()
        except OSError as error:
            if self._processes() and not self._failures:
                # Workers without a master hold the port, and the kernel gives us no copy.
                self._say("asking the workers of before to finish; they hold the port")
                self._ask_others_to_finish()
            elif not self._failures:
                self._say(f"cannot listen at {error.strerror}; trying again until it can be had")
            self._failures += 1
            self._start_at = time.monotonic() + (0.02 if self._processes() else RETRY_SECONDS)
            return
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if self._sockets:
            environment["NGINX"] = self._sockets.handed_over()
        # Not subprocess: our signals are blocked, and a program would inherit that.
        self._master = os.posix_spawn(self._command[0], self._command, environment, setsigmask=())
        self._sign = None
        self._succeeds = True

    def _open(self) -> None:
        """Open the sockets that are wanted. Raises OSError, and then nothing has changed."""
        # No configuration can be read: nginx will say so. Those who wait are not refused.
        if wanted := self._configuration.listens():
            self._sockets.open(wanted)

    def _prepare_reload(self) -> None:
        """Reload now or, where clients must be told to close first, in a while."""
        if self._reload_at is not None:
            return
        tells = self._configuration.mentions(self._flag) and self._master_serves()
        if tells:
            self._flag.touch()
        self._reload_at = time.monotonic() + (TELL_CLIENTS_SECONDS if tells else 0)

    def _reload(self) -> None:
        self._reload_at = None
        if self._master is None:
            # The next one reads the configuration of now.
            return
        self._workers_before = self._serving()
        self._flag_until = time.monotonic() + FLAG_SECONDS
        if self._sockets.are(self._configuration.listens()) or not self._sockets:
            nginx_processes.send(self._master, signal.SIGHUP)
            return
        try:
            self._open()
        except OSError as error:
            self._say(f"not reloaded, cannot listen at {error.strerror}")
            return
        self._say("the listen addresses changed: a new nginx starts")
        self._start()

    def _stop(self) -> int:
        """Let go of nginx; a child stays behind and stops it unless another one of us comes."""
        us = os.getpid()
        if os.fork():
            return 0
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        end = time.monotonic() + HEIR_SECONDS
        while time.monotonic() < end and self._processes():
            if self._pid_file.read_text() != f"{us}\n":
                return 0
            time.sleep(0.05)
        self._say("stopping")
        self._sockets.close()
        self._flag.unlink(missing_ok=True)
        for process in self._processes():
            nginx_processes.send(process.pid, signal.SIGQUIT)
        begun = time.monotonic()
        while left := self._processes():
            self._reap()
            waited = time.monotonic() - begun
            listens = [p for p in left if nginx_processes.listening(p.pid)]
            if waited > FINISH_SECONDS and not listens:
                self._say(f"{len(left)} processes finish what they serve")
                break
            if waited > STOP_SECONDS:
                for process in listens:
                    nginx_processes.send(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        return 0

    def _reap(self) -> None:
        """Take note of children that ended: the master, or one that has finished."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._master and self._succeeds:
                self._start_failed(status)

    def _start_failed(self, status: int) -> None:
        self._failures += 1
        self._master, self._succeeds = None, False
        self._start_at = time.monotonic() + (RETRY_SECONDS if self._failures > 1 else 0)
        self._say(f"nginx does not start (exit {os.waitstatus_to_exitcode(status)})")
        if self._failures > 1 and self._accepted():
            # It can't have what another listens at, an address that we do not hold.
            self._ask_others_to_finish()

    def _accepted(self) -> bool:
        try:
            subprocess.run(
                [*self._command, "-t", "-q"], check=True, capture_output=True, timeout=TEST_SECONDS
            )
        except subprocess.SubprocessError:
            return False
        return True

    def _has_workers(self, master: int) -> bool:
        if self._sign is None:
            self._sign = next(iter(nginx_processes.listening(master).items()), None)
        return self._sign is not None and any(
            process.serves and process.parent == master for process in self._processes()
        )

    def _ask_others_to_finish(self) -> None:
        for process in self._processes():
            if self._master not in (process.pid, process.parent) and process.pid not in self._asked:
                self._asked[process.pid] = time.monotonic()
                nginx_processes.send(process.pid, signal.SIGQUIT)

    def _kill_what_hangs(self, now: float) -> None:
        if not self._asked:
            return
        limit = self._configuration.drain_seconds() + HANGS_SECONDS
        alive = {process.pid for process in self._processes()}
        for pid, asked in list(self._asked.items()):
            if pid not in alive:
                del self._asked[pid]
            elif now - asked > limit:
                self._say(f"killing {pid}, which does not finish")
                nginx_processes.send(pid, signal.SIGKILL)

    def _processes(self) -> list[NginxProcess]:
        return nginx_processes.find(self._folder)

    def _serving(self) -> set[int]:
        return {process.pid for process in self._processes() if process.serves}

    def _say(self, words: str) -> None:
        print(f"front door: {words}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run until told to stop."""
    folder, *command = arguments
    os.chdir(folder)
    return FrontDoor(Path(folder).resolve(), command).run()
