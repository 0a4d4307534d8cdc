"""Measure the exporter beside its peers, and what it costs while it runs; docs/benchmark.* tell it.

Peers are Debian packages, fetched and unpacked under .teal/bench. A peer that cannot be had is
named in the table. Nobody's speed is shown unless all have counted the same.
"""

import argparse

from teal.errors import RuntimeFailedError
from teal.settings import Settings
from tools.bench import main as bench
from tools.bench.equality import DifferentError
from tools.bench.process import FailedError

add_arguments = bench.add_arguments


def run(_: Settings, arguments: argparse.Namespace) -> int:
    """Measure, print, write."""
    try:
        return bench.run(arguments)
    except (DifferentError, FailedError) as error:
        raise RuntimeFailedError(str(error)) from error
