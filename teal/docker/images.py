"""Having the images that a stack needs: what is missing is pulled, and all of them when asked."""

from collections.abc import Collection, Mapping

from teal.docker import engine
from teal.docker.compose import Compose
from teal.errors import RuntimeFailedError
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
        # What the stack can begin without is fetched by whoever needs it, and told there.
        can_wait = all(s in optional or s in POOLS for s in services)
        if before and pull:
            told += _renew(name, before)
        elif before is None and not can_wait:
            engine.pull(name)
    return told


# Private


def _renew(name: str, before: str) -> list[str]:
    try:
        engine.pull(name)
    except RuntimeFailedError as error:
        return [f"{name} was not pulled, the one that is here is used: {error}"]
    now = engine.image_id(name) or ""
    return [f"{name} is new: {_short(before)} -> {_short(now)}"] if now != before else []


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]
