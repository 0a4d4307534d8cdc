"""What an image says of itself: its user, its ports. Nothing in it is run to find out."""

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass

from teal.docker import engine
from teal.errors import RuntimeFailedError


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """An image as the engine has it; `user` is that of its Dockerfile, "" where there is none."""

    name: str
    user: str = ""
    ports: tuple[int, ...] = ()

    @property
    def runs_as_root(self) -> bool:
        """Whether it would run as root if nothing else is said."""
        return self.user.partition(":")[0] in ("", "0", "root")


def read(name: str) -> ImageConfig:
    """Return what an image says; nothing, if the engine has none of that name."""
    try:
        found = json.loads(engine.docker("image", "inspect", name))[0]["Config"] or {}
    except RuntimeFailedError:
        return ImageConfig(name=name)
    ports = (port.split("/") for port in found.get("ExposedPorts") or ())
    return ImageConfig(
        name=name,
        user=found.get("User") or "",
        ports=tuple(sorted(int(number) for number, protocol in ports if protocol == "tcp")),
    )


def ids_of(image: ImageConfig, user: str) -> tuple[int, int] | None:
    """Return uid and gid of a user (`name`, `name:group`, numbers), looked up in the image.

    None if the image does not know the user. A number without a group gets group 0, as in Docker.
    """
    name, _, group = user.partition(":")
    if name in ("", "0", "root"):
        return 0, 0
    if name.isdigit():
        return int(name), int(group) if group.isdigit() else 0
    for line in _file(image, "/etc/passwd").splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2]), int(group) if group.isdigit() else int(fields[3])
    return None


# Private


def _file(image: ImageConfig, path: str) -> str:
    # A container that is never started: an image may have no shell and no `cat`.
    try:
        made = engine.docker("create", image.name, "none").strip()
    except RuntimeFailedError:
        return ""
    try:
        archive = subprocess.run(
            ["docker", "cp", f"{made}:{path}", "-"],
            capture_output=True,
            check=True,
            timeout=engine.LIMIT_SECONDS,
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            content = files.extractfile(files.next() or path)
            return content.read().decode(errors="replace") if content else ""
    except (subprocess.SubprocessError, tarfile.TarError, KeyError):
        return ""
    finally:
        engine.docker("rm", made)
