"""Running `docker`, and what it says of images. Failures come back as one clear line."""

import os
import re
import subprocess
from collections.abc import Mapping

from teal.docker.troubles import in_one_line
from teal.errors import RuntimeFailedError
from teal.stack import exclusive

LIMIT_SECONDS = 120
PULL_LIMIT_SECONDS = 900
_SHOWN_DIGITS = 12


class UnwellError(RuntimeFailedError):
    """A part that others wait for failed its health check."""


def docker(
    *arguments: str,
    limit: float = LIMIT_SECONDS,
    merged: bool = False,
    environment: Mapping[str, str] | None = None,
    ports: Mapping[int, str] | None = None,
) -> str:
    """Run a docker command and return what it printed; with `merged` also on standard error.

    `ports` names the setting of each port, for the words of a failure. Raises RuntimeFailedError.
    """
    try:
        result = subprocess.run(
            ["docker", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
            pass_fds=exclusive.held(),
        )
    except subprocess.TimeoutExpired as error:
        words = " ".join(["docker", *arguments[:1], *arguments[-2:]])
        raise RuntimeFailedError(f"waited {limit:g} s for `{words}`") from error
    except OSError as error:
        raise RuntimeFailedError(f"docker: {error.strerror}") from error
    if result.returncode:
        text = (result.stderr or "") + "\n" + (result.stdout or "")
        kind = UnwellError if "dependency failed to start" in text else RuntimeFailedError
        raise kind(in_one_line(text, ports or {}))
    return result.stdout


def image_id(name: str) -> str | None:
    """Return the id of an image that is on this machine; None where it is not."""
    try:
        return docker("image", "inspect", "--format", "{{.Id}}", name).strip()
    except RuntimeFailedError:
        return None


def image_words(name: str, image: str) -> str:
    """Return an image as people know it: its name, and which one of that name."""
    try:
        digests = docker(
            "image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", image
        ).split()
    except RuntimeFailedError:
        digests = []
    repository = name.split("@", maxsplit=1)[0]
    # A registry may have a port: a tag has no slash after it.
    untagged = re.sub(r":[\w.-]+$", "", repository)
    own = [digest for digest in digests if digest.startswith(untagged + "@")]
    which = (own or [image])[0].rpartition("sha256:")[2][:_SHOWN_DIGITS]
    return f"{repository} {'digest' if own else 'image'} {which}"


def pull(name: str) -> None:
    """Pull an image, which may take its time. Raises RuntimeFailedError."""
    print(f"Pulling {name} ...", flush=True)
    docker("pull", "--quiet", name, limit=PULL_LIMIT_SECONDS)


def without(secrets: tuple[str, ...]) -> dict[str, str]:
    """Return this process' environment without secrets."""
    return {name: value for name, value in os.environ.items() if name not in secrets}
