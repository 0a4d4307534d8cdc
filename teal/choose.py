"""Which of the two ways a stack runs: containers, or plain processes."""

import re
import shutil
import subprocess

from teal.docker.troubles import in_one_line
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack.runtime import Runtime

PROBE_LIMIT_SECONDS = 10
# Older ones write other configurations; nothing older was tried.
OLDEST_COMPOSE = (2, 20)


def choose(settings: Settings) -> Runtime:
    """Return the way this stack runs, or will run.

    A stack that is up stays what it is. Otherwise RUNTIME decides; `auto` takes Docker where an
    engine answers. Raises RuntimeFailedError.
    """
    mark = settings.directory / "runtime"
    current = mark.read_text().strip() if mark.exists() else None
    if current and settings.runtime not in ("auto", current):
        raise RuntimeFailedError(
            f"this stack runs as {current!r}; `make down` first, then RUNTIME={settings.runtime}"
        )
    wanted = current or settings.runtime
    if wanted == "auto":
        wanted = "docker" if docker_answers() else "local"
    if wanted == "docker" and (trouble := docker_trouble()):
        raise RuntimeFailedError(f"Docker cannot be used: {trouble} (or use RUNTIME=local)")
    # Only the one that is wanted: the other one is time for nothing.
    if wanted == "docker":
        from teal.docker.runtime import DockerRuntime  # noqa: PLC0415

        return DockerRuntime(settings)
    from teal.processes.runtime import LocalRuntime  # noqa: PLC0415

    return LocalRuntime(settings)


def remember(settings: Settings, runtime: Runtime) -> None:
    """Note which way the stack runs, for the commands that come after."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    (settings.directory / "runtime").write_text(runtime.name + "\n")


def forget(settings: Settings) -> None:
    """Note that the stack is down: the next `make up` is free to choose."""
    (settings.directory / "runtime").unlink(missing_ok=True)


def docker_answers() -> bool:
    """Whether a Docker engine and the Compose plugin can be used by this user."""
    return docker_trouble() is None


def docker_trouble() -> str | None:
    """Return why Docker cannot be used, in one line; None where it can."""
    if not shutil.which("docker"):
        return "it is not installed"
    try:
        engine = _ask("docker", "info")
        compose = _ask("docker", "compose", "version", "--short")
    except (subprocess.TimeoutExpired, OSError) as error:
        return f"docker does not answer ({type(error).__name__})"
    if engine.returncode:
        return in_one_line(engine.stderr or engine.stdout, {})
    version = compose.stdout.strip() if compose.returncode == 0 else "v1"
    if tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2]) < OLDEST_COMPOSE:
        oldest = ".".join(map(str, OLDEST_COMPOSE))
        return f"Docker Compose {oldest} or newer is needed, this is {version}"
    return None


# Private


def _ask(*question: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        question, capture_output=True, text=True, check=False, timeout=PROBE_LIMIT_SECONDS
    )
