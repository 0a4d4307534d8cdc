"""Evaluate a PromQL expression now and print the result.

Debian's Prometheus has no web page for that; this works everywhere.
"""

import argparse

from teal import table
from teal.clients import Clients
from teal.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make query` takes."""
    parser.add_argument("expression", help="for example: nginxlog_active_pool")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Evaluate and print."""
    result = Clients(settings.url).prometheus.query(arguments.expression)
    if not result:
        print("(no data)")
        return 0
    rows = [[_series(item["metric"]), _values(item)] for item in result]
    print(table.render(["series", "value"], rows))
    return 0


# Private


def _series(labels: dict[str, str]) -> str:
    name = labels.get("__name__", "")
    inside = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != "__name__")
    return f"{name}{{{inside}}}" if inside or not name else name


def _values(item: dict[str, list[object]]) -> str:
    # A range vector has many values, an instant vector one; each is [time, text].
    if "values" in item:
        return " ".join(f"{value[1]}@{value[0]}" for value in item["values"])  # type: ignore[index]
    return str(item["value"][1])
