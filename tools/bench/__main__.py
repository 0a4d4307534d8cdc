"""`python -m tools.bench`, with the same options as `make bench`."""

import argparse
import sys

from tools.bench.main import add_arguments, run

parser = argparse.ArgumentParser(prog="bench", description=run.__doc__)
add_arguments(parser)
sys.exit(run(parser.parse_args()))
