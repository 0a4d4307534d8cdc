"""What the front door has to know of nginx's configuration, read from its files each time."""

import re
from pathlib import Path

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

# An IP address without brackets, and a port.
Address = tuple[str, int]


class Configuration:
    """The filled-in files beside nginx.conf; they may be exchanged at any moment."""

    def __init__(self, command: list[str]) -> None:
        """Find them in the command line of nginx."""
        self._folder = Path(command[command.index("-c") + 1]).parent

    def listens(self) -> list[Address]:
        """Return the addresses to listen at; those in other forms nginx opens itself."""
        found = re.findall(
            r"^\s*listen\s+(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d+)(?![^;]*reuseport)[^;]*;",
            self._text(), re.MULTILINE,
        )  # fmt: skip
        return list(dict.fromkeys((six or four, int(port)) for six, four, port in found))

    def mentions(self, path: Path) -> bool:
        """Whether nginx looks at a file."""
        return str(path) in self._text()

    def drain_seconds(self) -> float:
        """Return how long a worker that finishes may take; 0 where nothing is said."""
        match = re.search(r"^worker_shutdown_timeout (\d+)(ms|s|m|h);", self._text(), re.MULTILINE)
        return int(match[1]) * _UNITS[match[2]] if match else 0.0

    def spool(self) -> Path | None:
        """Return the folder of request bodies, where there is one."""
        match = re.search(r'^\s*client_body_temp_path\s+"([^"]+)";', self._text(), re.MULTILINE)
        return Path(match[1]) if match else None

    # Private

    def _text(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.conf")))
