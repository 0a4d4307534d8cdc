"""What Compose is told of the two pools beyond compose.yml: lists, which no variable can hold.

The fragment is a Compose file of its own, between compose.yml and the user's compose.override.yml.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from teal.bootstrap import ROOT
from teal.docker.engine_kind import UNPRIVILEGED
from teal.docker.image_config import ImageConfig, ids_of
from teal.errors import RuntimeFailedError
from teal.settings import Settings

FOLDER_SIZE = "64m"


def user_of(settings: Settings, image: ImageConfig) -> str:
    """Return whom an image runs as: POOL_USER, its own user, or an unprivileged one."""
    if settings.pool_user:
        return settings.pool_user
    return f"{UNPRIVILEGED}:{UNPRIVILEGED}" if image.runs_as_root else image.user


def notice(settings: Settings, image: ImageConfig) -> str | None:
    """Say it when an image runs as somebody else than its maker may have thought."""
    if settings.pool_user or not image.runs_as_root:
        return None
    return (
        f"{image.name} names no user: it runs as {UNPRIVILEGED}, not as root (POOL_USER in .env "
        "says otherwise)"
    )


def environment(settings: Settings) -> dict[str, str]:
    """Read POOL_ENV_FILE. Raises RuntimeFailedError if it cannot be used."""
    if not settings.pool_env_file:
        return {}
    path = Path(ROOT, settings.pool_env_file).expanduser()
    if not path.is_file():
        raise RuntimeFailedError(f"POOL_ENV_FILE: there is no file {path}")
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise RuntimeFailedError(f"POOL_ENV_FILE: {path} cannot be read: {error}") from error
    if "PORT" in values:
        raise RuntimeFailedError(
            f"POOL_ENV_FILE: {path} sets PORT, which tells the two pools apart; an image with a "
            "port of its own is told by POOL_PORT in .env"
        )
    return {name: value or "" for name, value in values.items()}


def fragment(
    settings: Settings, images: Mapping[str, ImageConfig], own: Mapping[str, str]
) -> dict[str, Any]:
    """Return the Compose file. `images` is by pool, `own` the application's environment."""
    return {"services": {pool: _service(settings, image, own) for pool, image in images.items()}}


def render(made: Mapping[str, Any]) -> str:
    """Return it as text: JSON is YAML. Compose fills in variables, so that $ is doubled."""
    return json.dumps(made, indent=2).replace("$", "$$") + "\n"


# Private


def _service(settings: Settings, image: ImageConfig, own: Mapping[str, str]) -> dict[str, Any]:
    user = user_of(settings, image)
    # A user that the image does not know has no home, which would be the read-only root.
    homeless = {} if settings.pool_user or not image.runs_as_root else {"HOME": "/tmp"}  # noqa: S108
    return {
        "user": user,
        "cap_add": settings.pool_caps.split(),
        "tmpfs": _folders(settings.pool_writable, ids_of(image, user)),
        "environment": {**homeless, **own},
    }


def _folders(wanted: str, owner: tuple[int, int] | None) -> list[str]:
    options = {"/tmp": _options("", owner)}  # noqa: S108 - in the container
    for folder in wanted.split():
        path, _, rest = folder.partition(":")
        options[path.rstrip("/")] = _options(rest, owner)
    return [f"{path}:{option}" for path, option in options.items()]


def _options(wanted: str, owner: tuple[int, int] | None) -> str:
    words = wanted.split(":") if wanted else []
    size = next((word for word in words if word != "exec"), FOLDER_SIZE)
    parts = ["mode=1777", f"size={size}"]
    if "exec" in words:
        parts.append("exec")
    if owner:
        # The mode alone does not last: before 1.1.8, runc gives a folder that exists in the image
        # (or was made at the first start) its old mode back, and then only its owner may write.
        parts += [f"uid={owner[0]}", f"gid={owner[1]}"]
    return ",".join(parts)
