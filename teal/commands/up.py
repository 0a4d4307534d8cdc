"""Start the stack, wait until every part is ready, and say what runs where.

Harmless when it runs already: only what the settings changed is restarted, and of the two pools one
at a time, so that no request is lost. A pool that does not come up is put back as it was.
"""

import argparse
import shutil
from functools import partial

from teal import table
from teal.choose import choose, docker_trouble, remember
from teal.clients import Clients
from teal.clients.http import is_healthy
from teal.errors import WaitedTooLongError
from teal.rollout import terms
from teal.rollout.execute import Rollout
from teal.rollout.hush import Hush
from teal.rollout.journal import Journal
from teal.rollout.proof import Front
from teal.settings import POOLS, Settings
from teal.stack.components import Part, parts
from teal.stack.hints import how
from teal.stack.ports import taken_by_others
from teal.stack.runtime import Runtime
from teal.wait import wait_for

READY_LIMIT_SECONDS = 90
WORDS_SHOWN = 5
IS_EXCLUSIVE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `make up` takes."""
    parser.add_argument(
        "--pull", action="store_true", help="look for newer images of the same name (Docker)"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Start the stack."""
    runtime = choose(settings)
    print(f"Starting {settings.stack} ({_WAYS[runtime.name]}) ...", flush=True)
    if runtime.name == "local" and settings.runtime == "auto" and shutil.which("docker"):
        print(f"Not in Docker: {docker_trouble() or 'this stack began without it'}.", flush=True)
    without = taken_by_others(settings, runtime)
    remember(settings, runtime)
    told = [f"{part} is left out: {why}, or {part.upper()}=off" for part, why in without.items()]
    told += runtime.start(pull=arguments.pull, without=without)
    for line in told:
        print(line, flush=True)
    rollout = Rollout(
        fleet=runtime.fleet,
        traffic=Front(settings, runtime.layout, runtime.fleet),
        journal=Journal(runtime.layout),
        quiet=Hush(Clients(settings.url), settings.stack),
        terms=terms.of(settings),
        tell=partial(print, flush=True),
    )
    is_well = rollout.run()
    told += wait_until_ready(settings, runtime, without=POOLS)
    _show(settings, runtime)
    if not is_well:
        print("Not everything is as .env wants it: see above. Then: make up")
        return 1
    print("Ready. Next: make chaos, make status, make logs")
    return 0


def wait_until_ready(
    settings: Settings, runtime: Runtime, *, without: tuple[str, ...] = ()
) -> list[str]:
    """Wait for the health check of every part that was started, but for those in `without`.

    Return a line for each optional part that does not come up. Raises WaitedTooLongError for
    another.
    """
    started = runtime.running()
    told = []
    for part in parts(settings):
        if part.name not in started or part.name in without:
            continue
        try:
            wait_for(
                lambda part=part: is_healthy(part.health),  # type: ignore[misc]
                what=f"{part.name} to answer at {part.health}",
                seconds=READY_LIMIT_SECONDS,
            )
        except WaitedTooLongError as error:
            if part.optional:
                told.append(f"{part.name} is left out: {error}; or leave it out: GRAFANA=off")
                print(told[-1], flush=True)
                continue
            raise WaitedTooLongError(_last_words(runtime, part, error)) from error
    # Prometheus is ready before it has seen anything; commands that follow ask it.
    wait_for(
        lambda: Clients(settings.url).prometheus.value('sum(up{job="exporter"})') == 1,
        what="Prometheus to scrape the exporter",
        seconds=READY_LIMIT_SECONDS,
    )
    return told


# Private

_WAYS = {"docker": "Docker Compose", "local": "plain processes"}


def _last_words(runtime: Runtime, part: Part, error: WaitedTooLongError) -> str:
    fallen = runtime.fleet.fallen(part.name)
    if not fallen.words:
        return f"{error}; {how(fallen)}, and it said nothing"
    return "\n  ".join([f"{error}; {how(fallen)}; it last said:", *fallen.words[-WORDS_SHOWN:]])


def _show(settings: Settings, runtime: Runtime) -> None:
    started = runtime.running()

    def row(part: Part) -> list[str]:
        note = "messages go to real Slack" if _is_idle_inbox(part, settings) else part.does
        if part.name in POOLS and not runtime.fleet.is_current(part.name):
            note = f"the {part.name} pool, as it was before"
        if part.name in POOLS and (image := runtime.fleet.image(part.name)):
            note += f", {image}"
        return [part.name, note, part.link]

    rows = [row(part) for part in parts(settings) if part.name in started]
    print(table.render(["part", "what it is", "open"], rows))
    if "grafana" not in started and settings.grafana == "on" and runtime.name == "local":
        print("Grafana does not run: dashboards need a `grafana` program here, or Docker.")


def _is_idle_inbox(part: Part, settings: Settings) -> bool:
    return part.name == "inbox" and settings.uses_real_slack
