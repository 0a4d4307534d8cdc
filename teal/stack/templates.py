"""Fills in nginx's templates: `${NAME}` becomes a value, anything else stays as it is."""

import re
from collections.abc import Mapping
from pathlib import Path


def fill_in(templates: Path, folder: Path, values: Mapping[str, str]) -> bool:
    """Write each `NAME.template` of one folder as `NAME` into another.

    A `${NAME}` that `values` does not name is left alone: it may be nginx's own. Return whether any
    file is different from before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pattern = re.compile(r"\$\{(" + "|".join(map(re.escape, values)) + r")\}")
    changed = False
    for template in sorted(templates.glob("*.template")):
        text = pattern.sub(lambda match: values[match[1]], template.read_text())
        written = folder / template.stem
        changed |= not written.exists() or written.read_text() != text
        written.write_text(text)
    return changed
