"""`python3 -m teal COMMAND`: makes sure that what the commands need is there, then runs one."""

import sys

from teal.bootstrap import enter_environment
from teal.errors import TealError
from teal.stack import preflight

INTERRUPTED = 130

if __name__ == "__main__":
    try:
        preflight.check(sys.argv[1:])
        enter_environment(sys.argv[1:])
    except TealError as error:
        sys.exit(f"teal: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    # Only now can anything be imported that is not in Python itself.
    from teal.cli import main

    sys.exit(main())
