"""Back to nothing: stop everything and remove all that Teal made, except .env."""

import argparse
import shutil

from teal.bootstrap import HOME
from teal.choose import docker_answers, forget
from teal.docker.runtime import DockerRuntime
from teal.processes.runtime import LocalRuntime
from teal.settings import Settings
from teal.stack import exclusive
from teal.stack.runtime import Runtime

IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make clean` takes."""
    parser.add_argument(
        "--keep-programs",
        action="store_true",
        help="keep what was downloaded, so that the next start is fast",
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Remove everything, however it was started."""
    ways: list[Runtime] = [LocalRuntime(settings)]
    if docker_answers():
        ways.append(DockerRuntime(settings))
    print("Removing containers, volumes, logs, state and messages ...", flush=True)
    for way in ways:
        way.clean()
    forget(settings)
    exclusive.remove(settings)
    if not arguments.keep_programs and settings.directory == HOME:
        # The Python that runs this is in there too; what it still needs is loaded.
        shutil.rmtree(HOME, ignore_errors=True)
    print("Clean.")
    return 0
