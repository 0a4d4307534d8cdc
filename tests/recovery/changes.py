"""The commands that people give to a running stack: none of them may cost anybody a request."""

import re
from collections.abc import Callable
from pathlib import Path

from bench import Bench
from clients import SlowReader, post_in_step, small_post, upload_together
from faults import Entry, NotAsPromisedError, outage
from runners import docker

HABITS = Path(__file__).parent / "habits"
DOCKER = ("docker",)
MEGABYTE = 1024 * 1024
ANY_PATH = ("/", "/")


def habit(name: str) -> str:
    """Return the image of a pool with a habit."""
    return f"teal-test-habit:{name}"


def both(image: str) -> dict[str, str]:
    """Return the settings by which both pools run an image."""
    return {"BLUE_IMAGE": image, "GREEN_IMAGE": image}


def build(name: str) -> None:
    """Build the image of a habit."""
    docker("build", "--quiet", "--build-arg", f"HABIT={name}", "--tag", habit(name), str(HABITS))


def changes() -> list[Entry]:
    """Return the commands, in the order of the table."""
    own = both(habit("plain"))
    return [
        Entry(name="make up, nothing changed", do=_up()),
        Entry(
            name="make up, both images changed",
            do=_up(**both(habit("again"))),
            runtimes=DOCKER,
            settings=own,
            images=("plain", "again"),
            paths=ANY_PATH,
        ),
        Entry(name="make up, both releases changed", do=_up(BLUE_RELEASE="v3", GREEN_RELEASE="v4")),
        Entry(
            name="make up, POOL_MEMORY changed",
            do=_up(POOL_MEMORY="500m"),
            runtimes=DOCKER,
            tested=False,
        ),
        Entry(
            name="make up, POOL_READ_ONLY changed",
            do=_up(POOL_READ_ONLY="false"),
            runtimes=DOCKER,
            tested=False,
        ),
        Entry(
            name="make up, POOL_PORT changed",
            do=_up(POOL_PORT="3000"),
            runtimes=DOCKER,
            counts_anew=True,
        ),
        Entry(name="make up, READ_TIMEOUT changed", do=_up(READ_TIMEOUT="4s")),
        Entry(name="make up, LOG_ROTATE_MB changed", do=_up(LOG_ROTATE_MB="90")),
        Entry(name="make reload, nothing changed", do=_command("reload")),
        Entry(name="make reload, a limit changed and changed back", do=_reload_with_another_limit),
        Entry(name="make switch, there and back", do=_there_and_back),
        Entry(
            name="make switch to a pool whose health check lies",
            do=_command("switch", "green", fails=True),
            runtimes=DOCKER,
            # `make up` takes no such pool any more: tests/docker/test_containers_up.py starts it.
            tested=False,
            settings={"BLUE_IMAGE": habit("plain"), "GREEN_IMAGE": habit("lying")},
            images=("plain", "lying"),
            paths=ANY_PATH,
            over=lambda bench: bench.desired == "blue" and bench.front_door_is_well(),
        ),
        Entry(
            name="make up, an image whose application never becomes healthy",
            do=_up(fails=True, **both(habit("sick"))),
            runtimes=DOCKER,
            settings=own,
            images=("plain", "sick"),
            paths=ANY_PATH,
            over=Bench.front_door_is_well,
        ),
        Entry(
            name="make up, Grafana's image cannot be pulled",
            do=_up(GRAFANA="on"),
            runtimes=DOCKER,
            tested=False,
        ),
        Entry(
            name="make down, make up with a Grafana that cannot be pulled",
            do=_from_nothing_without_grafana,
            runtimes=DOCKER,
            over=Bench.front_door_is_well,
            # Everything is stopped and started.
            docker=outage(60),
        ),
        Entry(
            name="applications that close idle connections after 1 s",
            do=_pauses,
            runtimes=DOCKER,
            loaded=False,
            settings=both(habit("hasty")),
            images=("hasty",),
            paths=ANY_PATH,
        ),
        Entry(
            name="8 uploads of 45 MB at once",
            do=_uploads,
            runtimes=DOCKER,
            settings=own,
            images=("plain",),
            paths=ANY_PATH,
        ),
        Entry(
            name="a download of 600 MB to a slow reader",
            do=_download,
            runtimes=DOCKER,
            settings=own,
            images=("plain",),
            paths=ANY_PATH,
        ),
    ]


# Private


def _command(*words: str, fails: bool = False, **settings: str) -> Callable[[Bench], str]:
    """Return a function that runs a command; `fails`: whether it must."""

    def do(bench: Bench) -> str:
        done = bench.run(*words, **settings)
        said = f"ended with {done.code} after {done.seconds:g} s"
        if bool(done.code) != fails:
            raise NotAsPromisedError(f"{said}: {done.said[-300:]}")
        return said

    return do


def _up(*, fails: bool = False, **settings: str) -> Callable[[Bench], str]:
    return _command("up", fails=fails, **settings)


def _there_and_back(bench: Bench) -> str:
    said = [_command("switch", pool)(bench) for pool in ("green", "blue")]
    return ", ".join(said)


def _reload_with_another_limit(bench: Bench) -> str:
    """Change a number in the checkout's rules for the time of the command."""
    limits = bench.checkout / "prometheus" / "rules" / "limits.yml"
    before = limits.read_text()
    changed = re.sub(r"expr: vector\(([\d.]+)\)", r"expr: vector(\g<1>1)", before, count=1)
    assert changed != before
    try:
        limits.write_text(changed)
        return _command("reload")(bench)
    finally:
        limits.write_text(before)
        bench.run("reload")


def _from_nothing_without_grafana(bench: Bench) -> str:
    bench.run("down")
    return _up(GRAFANA="on")(bench)


def _pauses(bench: Bench) -> str:
    answers = post_in_step(bench.front, clients=60, rounds=20, pause=1.0)
    good = answers.pop("200", 0)
    bench.beside["POST"] = {"sent": good + answers.total(), "failed": dict(answers)}
    return "60 clients that post in step every second"


def _uploads(bench: Bench) -> str:
    answers = upload_together(f"{bench.front}/upload", count=8, size=45 * MEGABYTE)
    after = small_post(f"{bench.front}/upload")
    said = f"answers {dict(answers)}, one of 100 kB afterwards {after}"
    if set(answers) != {"200"} or after != "200":
        raise NotAsPromisedError(said)
    return said


def _download(bench: Bench) -> str:
    url = f"{bench.front}/bytes?{600 * MEGABYTE}"
    reader = SlowReader(url, bytes_per_second=2 * MEGABYTE, seconds=25)
    with reader:
        whole = reader.wait()
    said = f"{reader.received // MEGABYTE} MB of 600 came"
    if not whole:
        raise NotAsPromisedError(said)
    return said
