"""The command line: one subcommand for each of the Makefile's targets."""

import argparse
import errno
import os
import sys

import requests

from teal import commands
from teal.bootstrap import SetupError
from teal.exclusive import exclusive
from teal.runtime import RuntimeFailedError
from teal.settings import SettingsError, load
from teal.wait import WaitedTooLongError

INTERRUPTED = 130
# Trouble of the machine, not of the program: named in a line.
_NAMED = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def main() -> int:
    """Run the command that the arguments name; return its exit code."""
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
        settings = load()
        if not getattr(commands.ALL[arguments.command], "IS_EXCLUSIVE", False):
            return int(arguments.run(settings, arguments))
        # Two operators at a time would each undo what the other one does.
        with exclusive(settings, arguments.command):
            return int(arguments.run(settings, arguments))
    except (SettingsError, SetupError, RuntimeFailedError, WaitedTooLongError) as error:
        print(f"teal: {error}", file=sys.stderr)
    except requests.ConnectionError as error:
        address = error.request.url if error.request else "a part of the stack"
        print(f"teal: {address} does not answer; `make status` shows what runs", file=sys.stderr)
    except requests.RequestException as error:
        print(f"teal: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _NAMED:
            raise
        print(f"teal: {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
    return 1
