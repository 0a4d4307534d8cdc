"""Runs one program to its end and says what it cost: the whole process, its start included."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LIMIT_SECONDS = 900
SAMPLE_SECONDS = 0.02


class Cost(NamedTuple):
    """What a run took; memory is the highest resident size seen, looked at 50 times a second."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class FailedError(Exception):
    """A program did not end well; the text has the end of what it said."""


def measure(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[Cost, str]:
    """Run a command; return its cost and what it wrote to standard output. Raises FailedError."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        process = subprocess.Popen(
            list(map(str, command)),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        peak = 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peak = max(peak, peak_bytes(process.pid))
            if time.monotonic() - began > LIMIT_SECONDS:
                process.kill()
            time.sleep(SAMPLE_SECONDS)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - began, peak)
        output.seek(0)
        errors.seek(0)
        text = output.read().decode()
        if process.returncode:
            said = "\n".join(errors.read().decode(errors="replace").splitlines()[-5:])
            raise FailedError(f"{command[0]} ended with {process.returncode}: {said}")
    return cost, text


def peak_bytes(pid: int) -> int:
    """Return the highest resident size so far, 0 if the process is gone.

    Not ru_maxrss of wait4: it begins with the size of the process that started this one.
    """
    with suppress(OSError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    return 0
