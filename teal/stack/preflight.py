"""What can be said before anything is installed: a wrong setting, a taken port.

Like `teal.bootstrap` it runs on the system's Python: neither this module nor what it imports needs
more than the standard library.
"""

from teal.errors import SetupError
from teal.settings import load
from teal.stack.components import parts
from teal.stack.ports import is_taken, taken


def check() -> None:
    """Before a first `make up` installs for a minute, check what it would check afterwards.

    Raises SettingsError and SetupError.
    """
    settings = load()
    if (settings.directory / "runtime").exists():
        # A stack that was started before may hold its own ports; `make up` tells them apart.
        return
    for part in parts(settings):
        address = settings.http_addr if part.name == "nginx" else "127.0.0.1"
        if not part.optional and is_taken(address, part.port):
            raise SetupError(taken(part.port, part.setting, part=part.name, by="another program"))
