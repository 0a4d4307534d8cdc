"""What can be said before anything is installed: a wrong setting.

Like `teal.bootstrap` it runs on the system's Python and imports nothing but the standard library.
"""

from teal.bootstrap import is_installed
from teal.settings import load


def check(arguments: list[str]) -> None:
    """Before a first `make up` installs for a minute, check what it would check afterwards.

    Raises SettingsError.
    """
    if arguments[:1] == ["up"] and not is_installed():
        load()
