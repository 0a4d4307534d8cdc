"""Having the images that a stack needs: what is missing is pulled, and all of them when asked."""

from collections.abc import Collection, Mapping

from teal import engine
from teal.compose import Compose
from teal.runtime import RuntimeFailedError
from teal.settings import POOLS


def get_images(
    compose: Compose, *, optional: Mapping[str, str], without: Collection[str], pull: bool
) -> list[str]:
    """Pull what is missing, or with `pull` what may have changed. Return what is to be told.

    Images that are built here are left alone. Raises RuntimeFailedError where an image is not to be
    had that the stack cannot do without; a pool's is found missing when the pool is renewed.
    """
    built = {compose.image_of(s) for s, what in compose.services().items() if what.get("build")}
    users: dict[str, list[str]] = {}
    for service in compose.services():
        if service not in without:
            users.setdefault(compose.image_of(service), []).append(service)
    told = []
    for name, services in users.items():
        if name in built:
            continue
        before = engine.image_id(name)
        if before is None or pull:
            needed = not all(s in optional or s in POOLS for s in services)
            told += _pull(name, before, needed=needed)
    return told


# Private


def _pull(name: str, before: str | None, *, needed: bool) -> list[str]:
    try:
        engine.pull(name)
    except RuntimeFailedError as error:
        if before:
            return [f"{name} was not pulled, the one that is here is used: {error}"]
        if needed:
            raise
        # Whoever needs it says so.
        return []
    now = engine.image_id(name) or ""
    if before and now != before:
        return [f"{name} is new: {_short(before)} -> {_short(now)}"]
    return []


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]
