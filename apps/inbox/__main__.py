"""`python -m inbox`: PORT, BIND, DATA_DIR (messages survive there) and RUNBOOK_FILE (optional)."""

import os
from pathlib import Path

from inbox.store import Store
from inbox.web import create_app
from serve import Server, address, refuse

# Each open page holds one for its live updates.
THREADS = 64


def main() -> None:
    """Serve until told to stop."""
    try:
        bind = address(os.environ)
        folder = Path(os.environ.get("DATA_DIR", ""))
        if not folder.is_dir():
            raise ValueError(f"DATA_DIR must be a folder that exists, not {str(folder)!r}")
    except ValueError as error:
        refuse(error)
    runbook = os.environ.get("RUNBOOK_FILE")
    Server(
        lambda: create_app(Store(folder / "messages.jsonl"), Path(runbook) if runbook else None),
        bind=bind,
        threads=THREADS,
    ).run()


if __name__ == "__main__":
    main()
