"""nginx in its container: its configuration is tested in another one, and loaded by a signal."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from teal.docker import engine, networks
from teal.docker.addresses import Plan
from teal.docker.compose import UP_LIMIT_SECONDS, Compose
from teal.docker.containers import Container
from teal.docker.troubles import in_one_line
from teal.errors import RuntimeFailedError
from teal.settings import Settings
from teal.stack import nginx, private
from teal.stack.layout import Layout

# `docker run` ends with this or more when the engine could not do it, else as the command did.
ENGINE_FAILED = 125
# That of compose.yml.
VERSION = (1, 30, 6)
RUN = "/tmp"  # noqa: S108 - a tmpfs of the container's own


class NginxContainer:
    """The front door's container.

    `pools` gives the address and port at which each pool is now; `is_root`, whether the container's
    user is (in a rootless engine).
    """

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        compose: Compose,
        plan: Plan,
        *,
        pools: Callable[[], Mapping[str, str]],
        is_root: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._compose = compose
        self._plan = plan
        self._pools = pools
        self._is_root = is_root

    def prepare(self) -> str:
        """Put the configuration in place, as `teal.stack.nginx.prepare` does; return its digest."""
        around = nginx.Surroundings(
            run=RUN,
            log="/var/log/teal",
            state="/var/lib/teal",
            spool="/var/spool/teal",
            pools=self._pools(),
            http_listen=[f"0.0.0.0:{self._settings.http_port}"],
            strangers=networks.strangers(self._settings),
            private=self._plan.address("nginx"),
            inside=self._plan.networks["monitoring"].subnet,
            version=VERSION,
            # As its container's root (a rootless engine), it would give its workers to nobody.
            user="user root;" if self._is_root() else "",
        )
        return nginx.prepare(self._settings, self._layout, around, self._test)

    def stop_old(self, found: Mapping[str, Container]) -> None:
        """Stop the nginx of a Teal that did not mount its configuration, and soon.

        It would refuse everybody until its last download is over, half a minute or more.
        """
        if "nginx" in found and "/etc/teal/rendered" not in engine.docker(
            "inspect", "--format", "{{range .Mounts}}{{.Destination}} {{end}}", found["nginx"].id
        ):
            engine.docker("stop", "-t", "2", found["nginx"].id)

    def load(self, generation: str, before: str | None) -> bool:
        """Have nginx run a configuration, as `teal.stack.nginx.load` does."""
        return nginx.load(
            self._layout,
            generation,
            runs=self._generation,
            reload=lambda: self._compose.signal("nginx"),
            before=before,
        )

    # Private

    def _test(self, folder: Path) -> str:
        """Return what `nginx -t` says against a folder, in a container like that of nginx.

        Not in the running one: it may have other folders and addresses than the one that comes, or
        be what is broken. This one has no network, and any address is allowed.
        """
        service = self._compose.services()["nginx"]
        mounts = [
            f"{v['source']}:{v['target']}{':ro' if v.get('read_only') else ''}"
            for v in service["volumes"]
        ]
        configuration = f"/etc/teal/rendered/{folder.name}/nginx.conf"
        # A test makes the log, if it is not there.
        test_command = f"umask {private.UMASK:03o}; exec nginx -t -q -e stderr -c {configuration}"
        command = [
            "docker", "run", "--rm", "--read-only", "--network", "none", "--cap-drop", "ALL",
            "--tmpfs", f"{RUN}:mode=1777", "--user", service["user"],
            "--sysctl", "net.ipv4.ip_nonlocal_bind=1",
            "--sysctl", "net.ipv4.ip_unprivileged_port_start=0",
            "--userns", service.get("userns_mode", ""),
            *_repeated("--security-opt", service.get("security_opt", [])),
            *_repeated("--volume", mounts),
            "--entrypoint", "sh", service["image"], "-c", test_command,
        ]  # fmt: skip
        test = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=UP_LIMIT_SECONDS
        )
        if test.returncode >= ENGINE_FAILED:
            raise RuntimeFailedError(in_one_line(test.stderr, {}))
        return nginx.refusal(test.stderr) if test.returncode else ""

    def _generation(self) -> str | None:
        """Return which configuration nginx runs; None while it does not answer.

        Asked inside: that needs no other part, and no port.
        """
        url = f"http://{self._plan.address('nginx')}:{self._settings.status_port}/generation"
        asked = ["curl", "-fsS", "-m", "2", "--header", f"Host: {nginx.STATUS_NAME}", url]
        try:
            return self._compose.run("exec", "-T", "nginx", *asked).strip()
        except RuntimeFailedError:
            return None


# Private


def _repeated(option: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
