"""The command line: one subcommand for each of the Makefile's targets."""

import argparse
import os
import signal
import sys
import time
import traceback
from types import FrameType

import requests

from teal import commands
from teal.bootstrap import HOME
from teal.errors import TealError
from teal.settings import load
from teal.stack.exclusive import exclusive
from teal.stack.layout import BEHIND_GATEWAY

INTERRUPTED = 130
CRASH_LOG = HOME / "crash.log"
# As programs write it in no_proxy: not all of them read a network.
_THIS_MACHINE = ("127.0.0.1", BEHIND_GATEWAY, "127.0.0.0/8", "localhost", "::1")


def main() -> int:
    """Run the command that the arguments name; return its exit code."""
    _never_ask_a_proxy_for_this_machine()
    # A closed terminal and `kill` leave as Ctrl-C does: what a command has begun is undone.
    for signal_ in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_, _leave)
    parser = argparse.ArgumentParser(
        prog="teal", description=__doc__, epilog="`make` lists the targets that call these."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in commands.ALL.items():
        summary = (module.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except TealError as error:
        print(f"teal: {error}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"teal: {_answer(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"teal: {where}{error.strerror or error}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - a user is shown one line, and where the rest is
        _keep(error)
    return 1


# Private


def _run(arguments: argparse.Namespace) -> int:
    settings = load()
    if not getattr(commands.ALL[arguments.command], "IS_EXCLUSIVE", False):
        return int(arguments.run(settings, arguments))
    # Two operators at a time would each undo what the other one does.
    with exclusive(settings, arguments.command):
        return int(arguments.run(settings, arguments))


def _answer(error: requests.RequestException) -> str:
    if not isinstance(error, requests.ConnectionError):
        return str(error)
    address = error.request.url if error.request else "a part of the stack"
    return f"{address} does not answer; `make status` shows what runs"


def _leave(number: int, _: FrameType | None) -> None:
    # Once: what is undone now must not be left half done by a second signal.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _never_ask_a_proxy_for_this_machine() -> None:
    """Have `requests`, and every program that is started from here, reach loopback directly."""
    for name in ("no_proxy", "NO_PROXY"):
        others = [each for each in os.environ.get(name, "").split(",") if each]
        os.environ[name] = ",".join([*others, *_THIS_MACHINE])


def _keep(error: Exception) -> None:
    try:
        HOME.mkdir(parents=True, exist_ok=True)
        with CRASH_LOG.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%F %T')} {' '.join(sys.argv[1:])}\n")
            log.write("".join(traceback.format_exception(error)) + "\n")
        details = f"details: {CRASH_LOG}"
    except OSError as reason:
        details = f"no details: {CRASH_LOG} cannot be written ({reason.strerror})"
    print(f"teal: a defect: {type(error).__name__}: {error} ({details})", file=sys.stderr)
