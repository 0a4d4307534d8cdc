"""`python3 -m teal COMMAND`: makes sure that what the commands need is there, then runs one."""

import sys

from teal.bootstrap import enter_environment, is_installed
from teal.errors import INTERRUPTED, TealError

if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["up"] and not is_installed():
            # Before a minute of installing. Elsewhere its import would be time for nothing.
            from teal.stack import preflight

            preflight.check()
        enter_environment("teal", sys.argv[1:])
    except TealError as error:
        sys.exit(f"teal: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    # Only now can anything be imported that is not in Python itself.
    from teal import commands
    from teal.cli import main

    sys.exit(main(commands))
