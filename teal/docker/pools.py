"""The two pools as containers. See `teal.stack.fleet.Fleet`."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping

from teal.docker import closer_look, containers, engine
from teal.docker.compose import Compose
from teal.docker.containers import Container
from teal.errors import RuntimeFailedError, WaitedTooLongError
from teal.settings import Settings
from teal.stack.fleet import NotTouchedError
from teal.stack.hints import Fallen
from teal.stack.last_good import Remembered, differences, recall, relevant, remember
from teal.stack.layout import Layout
from teal.wait import wait_for

ASK_SECONDS = 5
# In a loop of restarts a program runs for moments, in which it has no exit code.
MOMENT_SECONDS = 3
WORDS = 20
FRESH_SECONDS = 0.3
_NO_ANSWER = "000"


class DockerPools:
    """The pools' containers, and how nginx's container sees them."""

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        compose: Compose,
        wanted: Mapping[str, str],
        point: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._compose = compose
        self._wanted = wanted
        self._point = point
        self._seen: dict[str, Container] = {}
        self._seen_at = 0.0

    def is_current(self, pool: str) -> bool:
        found = self._container(pool)
        return (
            found is not None
            and found.runs
            and self._is_wanted(found)
            and found.is_at(self._compose.networks_of(pool))
        )

    def address(self, pool: str) -> str:
        found = self._container(pool)
        before = recall(self._layout, pool)
        is_old = found is not None and found.config_hash != self._compose.hashes[pool]
        return before.address if before and is_old else self._wanted[pool]

    def ask(self, pool: str, path: str) -> int | None:
        # Only from there it can be told what nginx gets; `127.0.0.1` here goes another way.
        nginx = self._container("nginx")
        if nginx is None or not nginx.runs:
            return None
        try:
            status = engine.docker(
                "exec", nginx.id, "curl", "--silent", "--output", "/dev/null", "--noproxy", "*",
                "--globoff", "--max-time", str(ASK_SECONDS), "--write-out", "%{http_code}\n",
                f"http://{self.address(pool)}{path}", merged=True,
            ).strip()[-3:]  # fmt: skip
        except RuntimeFailedError:
            # curl's way to say that nobody answered.
            return None
        return int(status) if status.isdigit() and status != _NO_ANSWER else None

    def renew(self, pool: str) -> None:
        self._have_image(pool)
        self.make_startable(pool)
        try:
            self._compose.up(pool, flags=["--no-deps", "--force-recreate"])
        finally:
            self.look_again()

    def restore(self, pool: str) -> bool:
        before = recall(self._layout, pool)
        if before is None:
            return False
        project = before.recipe["project"]
        service = project["services"][pool]
        if engine.image_id(service["image"]) != before.image:
            # The tag is another image's by now.
            service["image"] = before.image
        self.make_startable(pool)
        path = self._layout.directory / "ran" / "restored.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(project, file)
        try:
            self._compose.restore(pool, project, str(path))
        finally:
            self.look_again()
            path.unlink()
        return True

    def keep(self, pool: str) -> None:
        found = self._container(pool)
        if found is None:
            return
        recipe = {"hash": found.config_hash, "project": self._compose.only(pool)}
        what = Remembered(
            address=self._wanted[pool],
            settings=relevant(self._settings, pool),
            recipe=recipe,
            image=found.image,
        )
        remember(self._layout, pool, what)

    def is_kept(self, pool: str) -> bool:
        found, before = self._container(pool), recall(self._layout, pool)
        return (
            found is not None
            and before is not None
            and (found.config_hash, found.image) == (before.recipe["hash"], before.image)
        )

    def changed(self, pool: str) -> list[str]:
        before = recall(self._layout, pool)
        if before is None:
            return []
        name = self._image_name(pool)
        now = engine.image_id(name)
        lines = differences(before, self._settings, pool)
        if (
            now
            and now != before.image
            and name == before.recipe["project"]["services"][pool]["image"]
        ):
            lines.append(f"{name} is another image than it was")
        return lines

    def point(self) -> None:
        self._point()

    def fallen(self, pool: str) -> Fallen:
        found = self._container(pool)
        if found is None:
            return Fallen(pool=pool, state="missing")
        words: list[str] = []
        with contextlib.suppress(RuntimeFailedError):
            words = containers.last_words(found, engine.docker, lines=WORDS)
        return Fallen(
            pool=pool,
            state=found.state,
            exit_code=found.exit_code,
            restarts=found.restarts,
            was_out_of_memory=found.was_out_of_memory,
            error=found.error,
            words=words,
            answer=self.ask(pool, self._settings.health_path) if pool in self._wanted else None,
        )

    def examine(self, pool: str) -> Fallen:
        fallen = self.fallen(pool)
        if fallen.restarts and fallen.runs:
            with contextlib.suppress(WaitedTooLongError):
                wait_for(lambda: not self.fallen(pool).runs, what="its end", seconds=MOMENT_SECONDS)
            fallen = self.fallen(pool)
        found = self._container(pool)
        if found is None:
            return fallen
        return closer_look.examine(
            fallen,
            found,
            address=self.address(pool),
            health_path=self._settings.health_path,
            looker=self._compose.image_of("nginx"),
        )

    def image(self, pool: str) -> str:
        found = self._container(pool)
        return engine.image_words(self._image_name(pool), found.image) if found else ""

    def make_startable(self, service: str) -> None:
        """Do what Compose needs before it can replace a container in an odd state."""
        self.look_again()
        found = self._container(service)
        if found is None:
            return
        if found.state == "paused":
            engine.docker("unpause", found.id)
        elif found.state in ("dead", "removing"):
            engine.docker("rm", "--force", found.id)
        self.look_again()

    def look_again(self) -> None:
        """Forget what was seen: something was changed."""
        self._seen_at = 0.0

    # Private

    def _container(self, service: str) -> Container | None:
        # One decision asks several times; each look starts two programs.
        if time.monotonic() - self._seen_at > FRESH_SECONDS:
            self._seen = containers.of(self._settings.stack, engine.docker)
            self._seen_at = time.monotonic()
        return self._seen.get(service)

    def _is_wanted(self, found: Container) -> bool:
        name = self._image_name(found.service)
        return found.config_hash == self._compose.hashes[found.service] and (
            # An image that is gone from here is what the container was made from.
            engine.image_id(name) in (None, found.image)
        )

    def _image_name(self, service: str) -> str:
        return self._compose.image_of(service)

    def _have_image(self, pool: str) -> None:
        name = self._image_name(pool)
        if engine.image_id(name):
            return
        try:
            engine.pull(name)
        except RuntimeFailedError as error:
            raise NotTouchedError(f"{error} ({pool.upper()}_IMAGE)") from error
