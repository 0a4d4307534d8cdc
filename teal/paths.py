"""Which folders Teal can live in: their names are written into other programs' files."""

import re
from pathlib import Path

# Each program has its own way to quote, and some have none: nginx reads $, supervisord ; and #,
# Compose and PYTHONPATH :, the exporter's lists , and its patterns * ? [ ]. A space, a ', % and any
# letter are fine.
_UNUSABLE = re.compile(r'[\x00-\x1f\x7f"\\$;#:,*?\[\]{}]')


def unusable(folder: Path) -> str | None:
    """Return what is wrong with the name of a folder, in words; None where nothing is."""
    name = str(folder)
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"the folder {name!r} has a name that is not UTF-8; move or rename it"
    if found := _UNUSABLE.search(name):
        return f"the folder {name!r} has {found[0]!r} in its name; move or rename it"
    return None
