"""A bound on label values: so many names are let in, all others are called `other`."""

from nginxlog_exporter.parse import OTHER

# In characters; a name is cut there.
LONGEST_LABEL = 128


class Admission:
    """Lets the first names in; `most` is how many, `other` not counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known = {OTHER}

    def __call__(self, name: str) -> str:
        """Return the label value for a name."""
        name = name[:LONGEST_LABEL]
        if name not in self._known:
            if len(self._known) > self._most:
                return OTHER
            self._known.add(name)
        return name
