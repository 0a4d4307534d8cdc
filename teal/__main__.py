"""`python3 -m teal COMMAND`: makes sure that what the commands need is there, then runs one."""

import sys

from teal.bootstrap import SetupError, enter_environment

if __name__ == "__main__":
    try:
        enter_environment(sys.argv[1:])
    except SetupError as error:
        sys.exit(f"teal: {error}")
    # Only now can anything be imported that is not in Python itself.
    from teal.cli import main

    sys.exit(main())
