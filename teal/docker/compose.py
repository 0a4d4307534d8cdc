"""Docker Compose for one stack: its command line, and the configuration it makes of compose.yml."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from teal.bootstrap import ROOT
from teal.docker.engine import LIMIT_SECONDS, docker, without
from teal.settings import SECRETS, Settings

UP_LIMIT_SECONDS = 900
# What `up` gets everywhere: images are fetched and built before, one by one, with words of our own.
_UP = ("up", "--detach", "--no-build", "--pull", "never")


class Compose:
    """Compose, with the files and variables of one stack."""

    def __init__(self, settings: Settings, variables: Mapping[str, str], pools: Path) -> None:
        """Make it. `pools` is the second file, which need not be there (`pool_overrides`)."""
        self._settings = settings
        self._variables = variables
        self._pools = pools

    def run(self, *arguments: str, limit: float = LIMIT_SECONDS) -> str:
        """Run a Compose command. Raises RuntimeFailedError."""
        # A pool that does not stop is killed only after that time.
        limit += self._settings.pool_stop_seconds
        return docker(
            "compose", *self.files(), *arguments,
            limit=limit, environment=self.environment(), ports=self._settings.port_names(),
        )  # fmt: skip

    def up(self, *services: str, flags: Sequence[str] = ()) -> None:
        """Bring some services in line with the configuration. Raises RuntimeFailedError."""
        self.run(*_UP, *flags, *services, limit=UP_LIMIT_SECONDS)

    def signal(self, service: str) -> None:
        """Have a service read its files again."""
        self.run("kill", "--signal", "HUP", service)

    def restore(self, service: str, project: Mapping[str, Any], path: str) -> None:
        """Start one service from a resolved project in a file. Raises RuntimeFailedError."""
        docker(
            "compose", "--file", path, "--project-name", str(project["name"]),
            "--project-directory", str(ROOT), "--env-file", os.devnull,
            *_UP, "--no-deps", "--force-recreate", service,
            limit=UP_LIMIT_SECONDS, environment=without(SECRETS),
            ports=self._settings.port_names(),
        )  # fmt: skip

    def files(self) -> list[str]:
        """Return the arguments that every command begins with."""
        files = ["--file", str(ROOT / "compose.yml")]
        # The user's own words come last, and win.
        for more in (self._pools, ROOT / "compose.override.yml"):
            if more.exists():
                files += ["--file", str(more)]
        profile = ["--profile", "grafana"] if self._settings.grafana == "on" else []
        # An empty --env-file keeps Compose from reading .env by itself: it holds the webhook.
        return [*files, *profile, "--project-directory", str(ROOT), "--env-file", os.devnull]

    def read_again(self) -> None:
        """Forget the configuration as it was before a file changed."""
        for cached in ("project", "hashes"):
            self.__dict__.pop(cached, None)

    def environment(self) -> dict[str, str]:
        """Return what Compose fills in, and no secret."""
        return {**without(SECRETS), **self._variables}

    @cached_property
    def project(self) -> dict[str, Any]:
        """The resolved configuration."""
        found: dict[str, Any] = json.loads(self.run("config", "--format", "json"))
        return found

    @cached_property
    def hashes(self) -> dict[str, str]:
        """What Compose writes on the containers it makes from this configuration."""
        lines = self.run("config", "--hash", "*").splitlines()
        return dict(line.split() for line in lines if line.strip())

    def services(self) -> dict[str, Any]:
        """Return each service that is not left out."""
        found: dict[str, Any] = self.project["services"]
        return found

    def image_of(self, service: str) -> str:
        """Return the name of the image that a service runs."""
        return str(self.services()[service].get("image") or f"{self.project['name']}-{service}")

    def networks_of(self, service: str) -> dict[str, str]:
        """Return the networks of a service, by the engine's name, with its fixed address or ""."""
        wanted = self.services()[service].get("networks") or {}
        return {
            self.project["networks"][name]["name"]: (options or {}).get("ipv4_address", "")
            for name, options in wanted.items()
        }

    def published(self, service: str) -> list[tuple[str, int]]:
        """Return the addresses and ports of this machine that a service wants."""
        return [
            (port.get("host_ip", ""), int(port["published"]))
            for port in self.services()[service].get("ports") or []
            if str(port.get("published", "")).isdigit() and port.get("protocol") != "udp"
        ]

    def only(self, service: str) -> dict[str, Any]:
        """Return a project of this one service, in the networks and volumes that are there."""
        kept = dict(self.services()[service])
        for word in ("depends_on", "build", "profiles"):
            kept.pop(word, None)

        def existing(kind: str) -> dict[str, Any]:
            found = self.project.get(kind) or {}
            return {n: {"name": each["name"], "external": True} for n, each in found.items()}

        return {
            "name": self.project["name"],
            "services": {service: kept},
            "networks": existing("networks"),
            "volumes": existing("volumes"),
            **{kind: self.project[kind] for kind in ("secrets", "configs") if kind in self.project},
        }
