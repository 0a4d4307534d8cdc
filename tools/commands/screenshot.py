"""Take the picture of the README anew: the inbox of the running stack, after a drill."""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from teal.bootstrap import ROOT
from teal.clients import Clients
from teal.errors import RuntimeFailedError, SetupError
from teal.settings import Settings

PICTURE = ROOT / "docs" / "inbox.png"
LIMIT_SECONDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make screenshot` takes."""
    parser.add_argument("--output", type=Path, default=PICTURE, help="default: docs/inbox.png")
    parser.add_argument("--size", default="1000,690", help="width,height in pixels")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Take it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SetupError("chromium is missing; on Debian: apt-get install chromium")
    if not Clients(settings.url).inbox.messages():
        raise RuntimeFailedError("the inbox is empty; first run: make chaos")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--no-first-run", "--disable-background-networking", "--disable-sync",
                f"--user-data-dir={profile}", f"--window-size={arguments.size}",
                # The page keeps a connection open for news: time ends the load, not silence.
                "--timeout=3000", f"--screenshot={arguments.output}", settings.url("inbox"),
            ],
            check=True, capture_output=True, timeout=LIMIT_SECONDS,
        )  # fmt: skip
    print(f"{arguments.output} written")
    return 0
