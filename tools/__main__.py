"""`python3 -m tools COMMAND`: the commands that check, test and measure Teal itself."""

import sys

from teal.bootstrap import enter_environment
from teal.errors import INTERRUPTED, TealError

if __name__ == "__main__":
    try:
        enter_environment("tools", sys.argv[1:], locks=("requirements.txt", "requirements-dev.txt"))
    except TealError as error:
        sys.exit(f"teal: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    # Only now can anything be imported that is not in Python itself.
    from teal.cli import main
    from tools import commands

    sys.exit(main(commands))
