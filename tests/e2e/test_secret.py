"""The webhook is a secret: it is in one file that only its owner can reach, and nowhere else."""

import os
import stat
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SECRET = "T000SECRET/B000SECRET/abcdefghijklmnopqrstuvwx"  # noqa: S105 - made up


def test_the_webhook_is_in_no_environment_log_or_command_line(make_stack):
    """Neither `ps`, nor /proc, nor a log, nor a configuration file shows it."""
    stack = make_stack(
        SLACK_WEBHOOK_URL=f"http://127.0.0.1:9/services/{SECRET}",
        HEARTBEAT_URL=f"http://127.0.0.1:9/{SECRET}",
    )
    said = stack.run("up") + stack.run("status", code=None)
    assert SECRET not in said
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    processes = LocalRuntime(stack.settings)._call("getAllProcessInfo")
    pids = [LocalRuntime(stack.settings)._call("getPID"), *(p["pid"] for p in processes)]
    for pid in pids:
        for what in ("environ", "cmdline"):
            assert SECRET.encode() not in Path(f"/proc/{pid}/{what}").read_bytes()
    holders = [
        path
        for path in stack.directory.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]

    assert {"slack_webhook_url", "heartbeat_url"} == {path.name for path in holders}
    assert {stack.layout.secrets} == {path.parent for path in holders}
    assert 0o700 == stat.S_IMODE(os.stat(stack.layout.secrets).st_mode)  # noqa: PTH116
    stack.run("down")
