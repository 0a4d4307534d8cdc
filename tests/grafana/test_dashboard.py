"""The dashboard as Grafana will load it, and its queries on a real Prometheus with data."""

import json
import re
import time
from itertools import combinations
from pathlib import Path

import pytest
import requests

from teal.drill.traffic import Traffic
from teal.wait import wait_for

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = {
    path.name: json.loads(path.read_text())
    for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}
assert DASHBOARDS, "no dashboard: make dashboards"
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
QUERIES = [
    pytest.param(target, panel, id=f"{panel['title']} {target['refId']}")
    for dashboard in DASHBOARDS.values()
    for panel in dashboard["panels"]
    for target in panel.get("targets", [])
]
# Empty is what these show when all is well.
MAY_BE_EMPTY = {"Firing alerts"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_can_be_provisioned(name):
    """What has kept others from loading: a database id, inputs, a missing uid, an editable copy."""
    dashboard = DASHBOARDS[name]

    assert dashboard["id"] is None
    assert dashboard["uid"]
    assert dashboard["editable"] is False
    assert "__inputs" not in dashboard
    assert "${DS_" not in json.dumps(dashboard)
    assert 36 <= dashboard["schemaVersion"] <= 42


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_their_own_place_and_id(name):
    """No two panels overlap or share an id, and none is wider than the grid."""
    panels = DASHBOARDS[name]["panels"]
    ids = [panel["id"] for panel in panels]
    places = [panel["gridPos"] for panel in panels]

    assert len(ids) == len(set(ids))
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        apart_x = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart_y = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart_x or apart_y, (a, b)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_explains_itself(panel):
    """A title in words, a description, the data source by its uid, and a unit on every graph."""
    assert panel["title"][0].isupper() or panel["title"][0].isdigit()
    assert len(panel["description"]) > 20
    assert {"type": "prometheus", "uid": "prometheus"} == panel["datasource"]
    if panel["type"] == "timeseries":
        assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize(("target", "panel"), QUERIES)
def test_counters_are_only_read_as_rates(target, panel):
    """A raw counter on a graph only ever goes up."""
    for counter in re.finditer(r"\w+_total\b", target["expr"]):
        before = target["expr"][: counter.start()]
        assert re.search(r"(rate|increase)\($", before), target["expr"]


@pytest.fixture(scope="module")
def busy(running):
    """Return a stack that has seen traffic, retries and a failover in the last minute."""
    pool = f"http://127.0.0.1:{running.settings.blue_port}/chaos"
    with Traffic(f"{running.settings.front}/", rate=30, seconds=25) as traffic:
        time.sleep(4)
        requests.post(f"{pool}/start?mode=error&seconds=8", timeout=5).raise_for_status()
        traffic.wait()
    wait_for(
        lambda: running.metric('sum(nginxlog_http_retried_requests_total{outcome="saved"}) > 0'),
        what="retried requests in Prometheus",
        seconds=20,
    )
    return running


@pytest.mark.e2e
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("target", "panel"), QUERIES)
def test_a_query_returns_data_whose_legend_resolves(busy, target, panel):
    """Every query of every panel runs, has data after a drill, and has the labels it shows."""
    series = _range(busy, target["expr"])

    assert series or panel["title"] in MAY_BE_EMPTY
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        assert all(label in each["metric"] for each in series)


@pytest.mark.e2e
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", DASHBOARDS)
def test_annotations_have_times(busy, name):
    """The marks of pool changes and of switches are times of the last minutes, in milliseconds."""
    for annotation in DASHBOARDS[name]["annotations"]["list"]:
        series = _range(busy, annotation["expr"])
        assert series, annotation["name"]
        if annotation["useValueForTime"]:
            newest = max(float(value) for each in series for _, value in each["values"])
            assert abs(newest / 1000 - time.time()) < 3600


def _range(stack, expression):
    now = time.time()
    expression = expression.replace("$__rate_interval", "1m").replace("$__range", "15m")
    answer = requests.post(
        f"{stack.settings.url('prometheus')}/api/v1/query_range",
        data={"query": expression, "start": now - 120, "end": now, "step": 1},
        timeout=10,
    ).json()
    assert "success" == answer["status"], answer
    return answer["data"]["result"]
