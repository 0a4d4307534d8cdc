"""The command line: one subcommand for each of the Makefile's targets."""

import argparse
import ast
import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType, ModuleType

import requests

from teal import __version__
from teal.bootstrap import HOME
from teal.errors import INTERRUPTED, TealError
from teal.settings import load
from teal.stack.exclusive import exclusive
from teal.stack.layout import BEHIND_GATEWAY

CRASH_LOG = HOME / "crash.log"
# As programs write it in no_proxy: not all of them read a network.
_THIS_MACHINE = ("127.0.0.1", BEHIND_GATEWAY, "127.0.0.0/8", "localhost", "::1")


def main(package: ModuleType) -> int:
    """Run the command of a package that the arguments name; return its exit code.

    Only that command is imported.
    """
    _never_ask_a_proxy_for_this_machine()
    # A closed terminal and `kill` leave as Ctrl-C does: what a command has begun is undone.
    for signal_ in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_, _leave)
    arguments = _parse(package)
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


def _parse(package: ModuleType) -> argparse.Namespace:
    files = {
        each.name.replace("_", "-"): Path(path) / f"{each.name}.py"
        for path in package.__path__
        for each in pkgutil.iter_modules([path])
    }
    parser = argparse.ArgumentParser(
        prog=package.__name__.split(".")[0],
        description=__doc__,
        epilog="`make` lists the targets that call these.",
    )
    parser.add_argument("--version", action="version", version=f"Teal {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = next((name for name in sys.argv[1:2] if name in files), None)
    for name, file in sorted(files.items()):
        if called is None:
            summary = (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines()[0]
            subparsers.add_parser(name, help=summary)
        elif name == called:
            module = importlib.import_module(f"{package.__name__}.{file.stem}")
            subparser = subparsers.add_parser(name, description=module.__doc__)
            module.add_arguments(subparser)
            subparser.set_defaults(module=module)
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    settings = load()
    if not getattr(arguments.module, "IS_EXCLUSIVE", False):
        return int(arguments.module.run(settings, arguments))
    # Two operators at a time would each undo what the other one does.
    with exclusive(settings, arguments.command):
        return int(arguments.module.run(settings, arguments))


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
