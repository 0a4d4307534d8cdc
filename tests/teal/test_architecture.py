"""What the documents say of the tree is so: every path exists, every folder and module is named."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "tests/README.md"]
TOP = sorted(path.name for path in ROOT.iterdir() if path.is_dir())
EXPORTER = ROOT / "exporter" / "src" / "nginxlog_exporter"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document):
    """In backquotes, from the top of the repository."""
    text = (ROOT / document).read_text()
    named = {
        path
        for path in re.findall(r"`([\w.-]+(?:/[\w.{}<>*-]*)+)`", text)
        if path.split("/")[0] in TOP and not set("<>*{}") & set(path)
    }

    # Written when a part of the long tests passes.
    made = {".ci/passed.json"}
    assert [] == sorted(path for path in named - made if not (ROOT / path).exists())


def test_every_top_folder_of_code_is_on_the_path_or_beside_it():
    """A newcomer finds each of them named."""
    folders = [name for name in TOP if not name.startswith(".") and any((ROOT / name).rglob("*"))]
    left_out = {"docs", "tests", "build"}

    assert [] == [
        name for name in folders if f"`{name}/" not in ARCHITECTURE and name not in left_out
    ]


def _rows(heading: str) -> str:
    """Return the table under a line that has these words."""
    return ARCHITECTURE[ARCHITECTURE.index(heading) :].split("\n\n")[1]


def test_every_room_of_teal_is_in_its_table():
    """Folders with a slash, modules without."""
    table = _rows("`teal/` holds the commands")
    rooms = {
        f"{path.name}/" if path.is_dir() else path.stem
        for path in (ROOT / "teal").iterdir()
        if (path / "__init__.py").exists() or (path.suffix == ".py" and path.stem != "__init__")
    } - {"cli"}

    assert [] == sorted(room for room in rooms if f"`{room}`" not in table)


def test_every_stage_of_the_exporter_is_in_its_table():
    """And every module of its wiring."""
    table = _rows("Inside the exporter, in the order of the data")
    stages = {f"{path.name}/" for path in EXPORTER.iterdir() if (path / "__init__.py").exists()}
    wiring = {path.stem for path in EXPORTER.glob("*.py")} - {"__init__", "__main__"}

    assert [] == sorted(name for name in stages | wiring if f"`{name}`" not in table)
