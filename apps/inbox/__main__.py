"""Run the inbox: PORT=8025 DATA_DIR=/var/lib/inbox RUNBOOK_FILE=docs/runbook.md python -m inbox."""

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from inbox.store import Store
from inbox.web import create_app
from serve import Server, address, refuse

# Each open page holds one for its live updates, up to 32 (inbox.api).
THREADS = 64


def main() -> None:
    """Serve until told to stop."""
    try:
        bind = address(os.environ)
        messages = data_directory(os.environ) / "messages.jsonl"
        runbook = runbook_file(os.environ)
    except ValueError as error:
        refuse(error)
    hosts = [each for each in os.environ.get("HOSTS", "").split(",") if each]

    def make() -> Flask:
        return create_app(Store(messages), runbook=runbook, hosts=hosts)

    Server(make, bind=bind, threads=THREADS).run()


def data_directory(environment: Mapping[str, str]) -> Path:
    """Return where messages are kept, from DATA_DIR. Raises ValueError if they cannot be."""
    text = environment.get("DATA_DIR", "")
    if not (text and Path(text).is_dir() and os.access(text, os.W_OK)):
        raise ValueError(f"DATA_DIR must be a folder that exists and can be written, not {text!r}")
    return Path(text)


def runbook_file(environment: Mapping[str, str]) -> Path | None:
    """Return the Markdown file shown at /runbook, from RUNBOOK_FILE; it may appear later."""
    text = environment.get("RUNBOOK_FILE", "")
    return Path(text) if text else None


if __name__ == "__main__":
    main()
