"""The preview draws every panel of every dashboard from the recording, or says why not."""

import copy
import re
from itertools import pairwise

import draw
import packages
import pytest
from fix_stack import cannot_run
from record import BOARDS, Questions, questions

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def script():
    """Return the page's script."""
    try:
        return draw.bundle()
    except packages.PackagesError as error:
        cannot_run(str(error))


def _states(board, recorded, script, width=1440):
    """Return what became of each panel, by its id, in a real browser."""
    found = draw.dom(draw.page(board, recorded, script, width), width)
    sections = re.findall(r"<section[^>]*>", found)
    states = {}
    for section in sections:
        state = re.search(r'data-state="([^"]*)"', section)
        if state:
            states[int(re.search(r'data-panel="(\d+)"', section)[1])] = state[1]
    return states


@pytest.mark.parametrize("name", BOARDS)
def test_everything_was_recorded(name):
    """If a query is new, record a drill again; see tests/preview/README.md."""
    recorded = draw.recording()

    assert [] == [q for kind, q in questions(BOARDS[name]) if q not in recorded[kind]]


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_is_drawn(name, script):
    """With data, or with the words for none; in a failover most of them have data."""
    board = BOARDS[name]

    states = _states(board, draw.recording(), script)

    panels = [panel["id"] for panel in board["panels"] if panel["type"] != "row"]
    assert panels == list(states)
    assert {"drawn", "empty"} >= set(states.values())
    assert list(states.values()).count("drawn") > 0.7 * len(panels)


def test_a_phone_shows_one_panel_below_the_other(script):
    """Each as wide as the screen, in reading order, none over another."""
    found = draw.dom(draw.page(BOARDS["overview.json"], draw.recording(), script, 390), 390)

    places = [
        {name: float(value) for name, value in re.findall(r"(\w+): ([\d.]+)px", section)}
        for section in re.findall(r"<section[^>]*>", found)
    ]
    assert len(BOARDS["overview.json"]["panels"]) == len(places)
    assert {(0.0, 358.0)} == {(place["left"], place["width"]) for place in places}
    for above, below in pairwise(places):
        assert above["top"] + above["height"] < below["top"]


def test_a_variable_without_a_value_is_not_recorded():
    """Prometheus would refuse it, or worse, find nothing."""
    ask = Questions("", start=0, end=600, step=1)

    assert "rate(a[4s]) / b[600s]" == ask._filled("rate(a[$__rate_interval]) / b[$__range]")
    assert 'a{b=~"c.*$"}' == ask._filled('a{b=~"c.*$"}')
    for board in BOARDS.values():
        for _, expression in questions(board):
            ask._filled(expression)
    for unknown in ("a{stack='$stack'}", "a{stack='${stack}'}", "a * $__range_ms"):
        with pytest.raises(SystemExit, match="not a variable"):
            ask._filled(unknown)


def test_what_cannot_be_drawn_is_said(script):
    """An unknown kind of panel, and a query that was not recorded."""
    board = copy.deepcopy(BOARDS["overview.json"])
    first, second = [panel for panel in board["panels"] if panel["type"] == "timeseries"][:2]
    first["type"] = "piechart"
    second["targets"][0]["expr"] = "unheard_of"

    states = _states(board, draw.recording(), script)

    assert "error: no preview of piechart" == states[first["id"]]
    assert "error: not recorded: unheard_of" == states[second["id"]]


def test_a_blank_graph_is_no_picture(script):
    """Axes alone are not enough: something must be drawn between them."""
    board = copy.deepcopy(BOARDS["overview.json"])
    graph = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    graph["fieldConfig"]["defaults"]["custom"] |= {"lineWidth": 0, "fillOpacity": 0}

    states = _states(board, draw.recording(), script)

    assert "blank" == states[graph["id"]]


def test_without_data_every_panel_says_what_that_means(script):
    """As after a start, or without an exporter."""
    recorded = draw.recording()
    nothing = {
        **recorded,
        "instant": {query: [] for query in recorded["instant"]},
        "range": {query: [] for query in recorded["range"]},
    }

    states = _states(BOARDS["pipeline.json"], nothing, script)

    assert {"empty"} == set(states.values())
