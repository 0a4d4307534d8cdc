"""Run the demo application: PORT=8081 POOL=blue RELEASE=v1 python -m demo."""

import os

from demo.identity import identity_from
from demo.web import create_app
from serve import Server, address, refuse

# Requests that hang in mode timeout take three quarters of them at most (demo.chaos).
THREADS = 256


def main() -> None:
    """Serve until told to stop."""
    try:
        bind = address(os.environ)
        identity = identity_from(os.environ)
    except ValueError as error:
        refuse(error)
    # Where nginx passes on what this machine's gateway was asked; empty without containers.
    peer = os.environ.get("TEAL_CONTROL_FROM", "")
    Server(lambda: create_app(identity, control_from=peer), bind=bind, threads=THREADS).run()


if __name__ == "__main__":
    main()
