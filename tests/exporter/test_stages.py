"""The exporter's stages: each package imports only what comes before it, and no wiring."""

import ast
from pathlib import Path

import pytest

import nginxlog_exporter

PACKAGE = nginxlog_exporter.__name__
STAGES = ["tail", "parse", "pools", "count", "metrics", "web"]
MODULES = [
    path for stage in STAGES for path in (Path(nginxlog_exporter.__path__[0]) / stage).glob("*.py")
]
# Said once, of the whole package.
ALLOWED = {f"{PACKAGE}.__version__"}


def backwards(text, stage):
    """Return what a module of a stage imports of the exporter and may not."""
    allowed = {f"{PACKAGE}.{each}" for each in STAGES[: STAGES.index(stage) + 1]}
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = {f"{module}.{each.name}" for each in node.names}
            found |= names if module == PACKAGE else {module}
    ours = {name for name in found if name.split(".")[0] == PACKAGE}
    return {name for name in ours if ".".join(name.split(".")[:2]) not in allowed} - ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_stage_imports_nothing_that_comes_after_it(path):
    """Nor the loop, the settings or the command line."""
    assert set() == backwards(path.read_text(), path.parent.name)


@pytest.mark.parametrize(
    "planted",
    [
        "from nginxlog_exporter.count.aggregate import Aggregate",
        "from nginxlog_exporter import config",
        "def late():\n    import nginxlog_exporter.web.server",
    ],
)
def test_an_import_that_runs_back_is_noticed(planted):
    """In any form, and inside a function too."""
    assert backwards(planted, "parse")
    assert not backwards("import re\nfrom nginxlog_exporter.tail import lines", "parse")
