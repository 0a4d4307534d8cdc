"""The servers that the local way runs: the system's own, or Debian's packages in a private folder.

A package is downloaded and unpacked, never installed: no system service is started or changed, and
no privilege is needed.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from teal import debian
from teal.bootstrap import HOME
from teal.errors import SetupError

PROGRAMS = HOME / "programs"
DEFAULT_TEMPLATES = "default-templates"

# command: (Debian package, oldest version whose features our configuration uses)
SERVERS = {
    "nginx": ("nginx", (1, 19, 5)),  # nginx -e
    "prometheus": ("prometheus", (2, 42)),  # keep_firing_for
    "promtool": ("prometheus", (2, 42)),
    "prometheus-alertmanager": ("prometheus-alertmanager", (0, 24)),
    "amtool": ("prometheus-alertmanager", (0, 24)),
    "prometheus-blackbox-exporter": ("prometheus-blackbox-exporter", (0, 20)),
}
# The same programs under the names they have in upstream's own archives.
_OTHER_NAMES = {
    "prometheus-alertmanager": "alertmanager",
    "prometheus-blackbox-exporter": "blackbox_exporter",
}


def find(command: str) -> Path | None:
    """Return the path of a server, the system's or the private one, or None.

    A system's program that is too old is passed over.
    """
    for name in (command, _OTHER_NAMES.get(command, command)):
        for folder in _search_path():
            program = shutil.which(name, path=folder)
            if program and version(Path(program)) >= SERVERS[command][1]:
                return Path(program)
    return None


def needed(command: str) -> str:
    """Return the path of a server that must be there. Raises SetupError."""
    found = find(command)
    if found is None:
        raise SetupError(f"{command} is missing; `make up` fetches it")
    return str(found)


def fetch_missing() -> None:
    """Fetch the Debian packages of the servers that are not there. Raises SetupError."""
    missing = sorted({SERVERS[command][0] for command in SERVERS if find(command) is None})
    if not missing:
        return
    print(f"Fetching {', '.join(missing)} from Debian into .teal/programs ...", flush=True)
    try:
        debian.unpack(missing, PROGRAMS)
    except debian.UnavailableError as error:
        raise SetupError(
            f"could not fetch {', '.join(missing)} ({error}); is the network up? "
            "Or install them, or use Docker (RUNTIME=docker)"
        ) from error
    let_alertmanager_find_its_templates(PROGRAMS / "usr" / "bin" / "prometheus-alertmanager")
    for command, (package, oldest) in SERVERS.items():
        if find(command) is None:
            wanted = ".".join(map(str, oldest))
            raise SetupError(
                f"{command} {wanted} or newer is needed, and Debian's package {package} "
                "does not give it here; install it, or use Docker (RUNTIME=docker)"
            )


def default_templates() -> Path | None:
    """Return the folder of default templates that the private Alertmanager must be shown.

    It looks for it under the name DEFAULT_TEMPLATES in its working directory. None: the system's
    own Alertmanager is used, which knows where its templates are.
    """
    program = find("prometheus-alertmanager")
    if program is None or not program.is_relative_to(PROGRAMS):
        return None
    return PROGRAMS / _ALERTMANAGER_SHARE.decode().lstrip("/")


def prometheus_pages() -> Path | None:
    """Return the folder of the private Prometheus' web pages; None: the system's own is used."""
    program = find("prometheus")
    if program is None or not program.is_relative_to(PROGRAMS):
        return None
    return PROGRAMS / "usr" / "share" / "prometheus" / "web"


def version(program: Path) -> tuple[int, ...]:
    """Return the version a program prints; () where it does not run."""
    flag = "-v" if program.name == "nginx" else "--version"
    try:
        answer = subprocess.run(
            [str(program), flag], capture_output=True, text=True, check=True, timeout=20
        )
    except (subprocess.SubprocessError, OSError):
        return ()
    number = re.search(r"(?:version |nginx/)(\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return tuple(int(part) for part in number[1].split(".")) if number else ()


def let_alertmanager_find_its_templates(program: Path) -> None:
    """Make an unpacked Alertmanager independent of where it is unpacked.

    Debian's build reads its default templates from a fixed folder, which exists only where the
    package is installed, and has no option for it. In our private copy that name is replaced by a
    relative one of the same length; a path may end in any number of slashes.
    """
    if program.exists():
        relative = DEFAULT_TEMPLATES.encode().ljust(len(_ALERTMANAGER_SHARE), b"/")
        program.write_bytes(program.read_bytes().replace(_ALERTMANAGER_SHARE, relative))


# Private

_ALERTMANAGER_SHARE = b"/usr/share/prometheus/alertmanager"


def _search_path() -> list[str]:
    private = [str(PROGRAMS / folder) for folder in ("usr/sbin", "usr/bin")]
    return [*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", *private]
