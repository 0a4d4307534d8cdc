"""Imports only run forward: what a module may use stands before it, so there is no circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# In this order; those in one line do not know each other.
ORDER = [
    ["errors", "table", "paths", "arguments", "follow_file"],
    ["wait", "bootstrap", "envfile"],
    ["debian", "settings"],
    ["clients"],
    ["stack"],
    ["docker", "processes"],
    ["choose", "front_door"],
    ["rollout"],
    ["status"],
    ["drills"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
# Packages at the top, and which others they may use.
TOP = {
    "teal": {"teal", "nginxlog_exporter"},
    "grafana": {"grafana"},
    "demo": {"demo", "guard"},
    "inbox": {"inbox", "guard"},
    "guard": set(),
    "nginxlog_exporter": {"nginxlog_exporter"},
    "tools": {"tools", "teal", "grafana", "nginxlog_exporter"},
}
FOLDERS = {
    "teal": "teal",
    "grafana": "grafana",
    "demo": "apps/demo",
    "inbox": "apps/inbox",
    "nginxlog_exporter": "exporter/src/nginxlog_exporter",
    "tools": "tools",
}
OURS = {*TOP, "tests", "exporter", "apps"}


def imports(text: str) -> set[str]:
    """Return the modules that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return found


def rank(module: str) -> int:
    """Return the place of a module of teal/ in the order."""
    return next(place for place, names in enumerate(ORDER) if module in names)


def backwards(text: str, own: str) -> set[str]:
    """Return what a module of teal/, known by the first part of its name, may not import."""
    ours = {name.split(".")[1] for name in imports(text) if name.startswith("teal.")}
    return {name for name in ours - {own, "__version__"} if rank(name) >= rank(own)}


TEAL = sorted((ROOT / "teal").rglob("*.py"))


@pytest.mark.parametrize("path", TEAL, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_of_teal_run_forward(path):
    """A folder knows nothing of those after it, nor of one beside it."""
    own = path.relative_to(ROOT / "teal").parts[0].removesuffix(".py")
    if own != "__init__":
        assert set() == backwards(path.read_text(), own)


@pytest.mark.parametrize("package", FOLDERS)
def test_each_product_knows_only_what_it_may(package):
    """Nothing imports tools/ or tests/; the exporter and the applications stand alone."""
    for path in (ROOT / FOLDERS[package]).rglob("*.py"):
        used = {name.split(".")[0] for name in imports(path.read_text())} & OURS
        assert used <= TOP[package], f"{path.relative_to(ROOT)} imports {used - TOP[package]}"


@pytest.mark.parametrize(
    "planted",
    [
        "from teal.commands import up",
        "import teal.choose",
        "def late():\n    from teal.docker.runtime import DockerRuntime",
    ],
)
def test_an_import_that_runs_back_is_noticed(planted):
    """In any form, and inside a function too."""
    assert backwards(planted, "stack")
    assert not backwards("from teal.settings import load\nfrom teal.stack import nginx", "stack")
