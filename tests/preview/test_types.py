"""The dashboards have the types that Grafana's own package declares, under `tsc --strict`."""

import copy
import json
import re

import packages
import pytest
from fix_stack import cannot_run
from record import BOARDS

pytestmark = pytest.mark.timeout(400)


def _first(kind, board):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def _stat(board):
    return _first("stat", board)


def _custom(board):
    return _first("timeseries", board)["fieldConfig"]["defaults"]["custom"]


MISTAKES = {
    "a number as text": lambda b: b["panels"][0]["gridPos"].update(w="6"),
    "a key of the dashboard": lambda b: b.update(timeZone="utc"),
    "a key of a panel": lambda b: _stat(b).update(datasources=[]),
    "a key of a field": lambda b: _stat(b)["fieldConfig"]["defaults"].update(units="s"),
    "a kind of variable": lambda b: b["templating"]["list"][0].update(type="qurey"),
    "a colour mode": lambda b: _stat(b)["fieldConfig"]["defaults"]["color"].update(mode="fix"),
    "a kind of panel": lambda b: _stat(b).update(type="status"),
    "an option of a panel": lambda b: _stat(b)["options"].update(textMod="name"),
    "a value of an option": lambda b: _stat(b)["options"].update(textMode="names"),
    "an option of another kind": lambda b: _first("table", b)["options"].update(textMode="name"),
    "how a line looks": lambda b: _custom(b).update(lineWidth="2"),
    "how lines are stacked": lambda b: _custom(b)["stacking"].update(mode="above"),
    "a mark": lambda b: b["annotations"]["list"][0].update(useValueAsTime=True),
    "a link": lambda b: b["links"][0].update(keepTimes=True),
    "no title": lambda b: b["links"][0].pop("title"),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """Return what the compiler says of each dashboard, and of one with each of the mistakes."""
    try:
        packages.install()
    except packages.PackagesError as error:
        cannot_run(str(error))
    boards = dict(BOARDS)
    for name, mistake in MISTAKES.items():
        boards[name] = copy.deepcopy(BOARDS["overview.json"])
        mistake(boards[name])
    folder = tmp_path_factory.mktemp("types")
    (folder / "node_modules").symlink_to(packages.FOLDER / "node_modules")
    (folder / "dashboard.ts").write_text((packages.HERE / "dashboard.ts").read_text())
    # All in one run: most of the compiler's time goes into reading Grafana's types.
    files = {_file(name): _code(board) for name, board in boards.items()}
    for file, code in files.items():
        (folder / file).write_text(code)
    said = ""
    try:
        packages.run(
            "tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--pretty",
            "false", "--module", "esnext", "--moduleResolution", "bundler",
            *(str(folder / file) for file in files),
        )  # fmt: skip
    except packages.PackagesError as error:
        said = str(error)
    return {
        name: [line for line in said.splitlines() if _file(name) + "(" in line] for name in boards
    }


def _file(name):
    return re.sub(r"\W", "_", name) + ".ts"


def _code(board):
    panels = [
        {
            "type": panel["type"],
            "options": panel["options"],
            "custom": panel["fieldConfig"]["defaults"].get("custom", {}),
        }
        for panel in board["panels"]
        if panel["type"] != "row"
    ]
    return (
        "import type { PlainDashboard, PlainPanel } from './dashboard';\n"
        f"export const board: PlainDashboard = {json.dumps(board, indent=1)};\n"
        f"export const panels: PlainPanel[] = {json.dumps(panels, indent=1)};\n"
    )


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_grafanas_types(name, complaints):
    """Every key and every value is one that Grafana knows."""
    assert [] == complaints[name]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused(mistake, complaints):
    """Of each kind one."""
    assert any("error TS" in line for line in complaints[mistake])
