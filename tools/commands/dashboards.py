"""Write the Grafana dashboards from their Python source; --check only compares."""

import argparse
import json

from grafana import BOARDS
from teal.bootstrap import ROOT
from teal.settings import Settings

FOLDER = ROOT / "grafana" / "dashboards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make dashboards` takes."""
    parser.add_argument("--check", action="store_true", help="fail where a file is out of date")


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Write or compare."""
    code = 0
    for name, dashboard in BOARDS.items():
        path = FOLDER / name
        text = json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        if arguments.check:
            print(f"{path.relative_to(ROOT)} is out of date: make dashboards")
            code = 1
        else:
            path.write_text(text)
            print(f"{path.relative_to(ROOT)} written")
    return code
