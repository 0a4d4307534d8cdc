"""The two pools as plain processes. See `teal.stack.fleet.Fleet`."""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from teal.processes.program import Program
from teal.processes.supervisor import Supervisor
from teal.settings import POOLS, Settings
from teal.stack.hints import Fallen
from teal.stack.last_good import Remembered, differences, recall, relevant, remember
from teal.stack.layout import Layout

ASK_SECONDS = 5
WORDS = 20
TAIL_BYTES = 4000
RUNS = ("running", "starting")


class LocalPools:
    """The pools' processes; nginx reaches them as this program does."""

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        supervisor: Supervisor,
        wanted: Mapping[str, str],
        point: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._supervisor = supervisor
        self._wanted = wanted
        self._point = point
        self._sections: dict[str, str] = {}

    def want(self, programs: Sequence[Program]) -> None:
        """Write the supervisor's configuration of what is wanted."""
        self._sections = {p.name: self._supervisor.section(p) for p in programs}
        self._supervisor.configure(self._sections)

    def is_current(self, pool: str) -> bool:
        return self._state(pool) in RUNS and pool not in self._stale()

    def address(self, pool: str) -> str:
        # Not the settings of now: they may have been edited since.
        section = self._supervisor.configured(pool)
        before = recall(self._layout, pool)
        if before and pool in self._stale():
            section = str(before.recipe["section"])
        port = re.search(r'\bPORT="([0-9]+)"', section)
        return f"127.0.0.1:{port[1]}" if port else self._wanted[pool]

    def ask(self, pool: str, path: str) -> int | None:
        try:
            return requests.get(
                f"http://{self.address(pool)}{path}",
                timeout=ASK_SECONDS,
                allow_redirects=False,
                # Only the status is wanted, whatever comes after it.
                stream=True,
            ).status_code
        except requests.RequestException:
            return None

    def renew(self, pool: str) -> None:
        self._supervisor.configure(self._sections)
        self._supervisor.renew(pool)

    def restore(self, pool: str) -> bool:
        before = recall(self._layout, pool)
        if before is None:
            return False
        self._supervisor.configure({**self._sections, pool: before.recipe["section"]})
        try:
            self._supervisor.renew(pool)
        finally:
            self._supervisor.configure(self._sections)
        return True

    def keep(self, pool: str) -> None:
        what = Remembered(
            address=self._wanted[pool],
            settings=relevant(self._settings, pool),
            recipe={"section": self._sections[pool]},
        )
        remember(self._layout, pool, what)

    def is_kept(self, pool: str) -> bool:
        before = recall(self._layout, pool)
        return before is not None and before.recipe["section"] == self._sections.get(pool)

    def changed(self, pool: str) -> list[str]:
        before = recall(self._layout, pool)
        return differences(before, self._settings, pool) if before else []

    def point(self) -> None:
        self._point()

    def fallen(self, pool: str) -> Fallen:
        words: list[str] = []
        with contextlib.suppress(OSError):
            log = self._supervisor.output / f"{pool}.log"
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - TAIL_BYTES))
                words = file.read().decode(errors="replace").splitlines()[-WORDS:]
        process = self._process(pool)
        state = str(process.get("statename", "missing")).lower()
        return Fallen(
            pool=pool,
            state=state,
            exit_code=process.get("exitstatus"),
            restarts=self._ends(pool),
            error=process.get("spawnerr", "") if state in ("fatal", "backoff") else "",
            words=words,
            answer=self.ask(pool, self._settings.health_path) if pool in POOLS else None,
        )

    def examine(self, pool: str) -> Fallen:
        return self.fallen(pool)

    def image(self, pool: str) -> str:  # noqa: ARG002 - a process has none
        return ""

    # Private

    def _process(self, pool: str) -> dict[str, Any]:
        if not self._supervisor.is_up():
            return {}
        return next((p for p in self._supervisor.processes() if p["name"] == pool), {})

    def _state(self, pool: str) -> str:
        return str(self._process(pool).get("statename", "")).lower()

    def _stale(self) -> list[str]:
        if not self._supervisor.is_up():
            return []
        added, changed, _ = self._supervisor.changes()
        return [*added, *changed]

    def _ends(self, pool: str) -> int:
        """Return how often the process ended by itself, as far as the log goes back."""
        try:
            log = (self._layout.directory / "supervisord.log").read_text(errors="replace")
        except OSError:
            return 0
        return log.count(f" exited: {pool} ")
