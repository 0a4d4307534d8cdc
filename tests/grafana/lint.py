"""Rules for dashboards, in the manner of Grafana's dashboard-linter; each gives its complaints.

https://github.com/grafana/dashboard-linter/tree/main/docs
"""

import json
import re
from itertools import combinations

from boards import counters, panels, queries

from grafana.panels import POOL_COLORS

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
MARKS = {
    "Failover",
    "Other critical alert",
    "Planned switch",
    "Release change",
    "Drill",
    "Maintenance or silence",
}
# What a rule does not have to hold for, and why: (rule, title of the panel) -> the reason.
EXCLUDED = {
    ("axis", "Budget left"): "a budget that is overspent is below zero",
    ("limits", "Age of the Watchdog"): "the dead man's switch outside has the limit that counts",
}
SHORTEST_DESCRIPTION = 30
SHORTEST_WINDOW_SECONDS = 60


def provisioned(board):
    """Demand what provisioning needs: no database id, no inputs, a uid of ours, no editing."""
    if board["id"] is not None:
        yield "it has a database id"
    if not re.fullmatch(r"teal-[a-z]+", board["uid"]):
        yield "its uid is not ours"
    if board["editable"]:
        yield "it can be edited, and the next start would undo that"
    if "__inputs" in board or "${DS_" in json.dumps(board):
        yield "it asks for inputs, which provisioning does not give"
    if not 36 <= board["schemaVersion"] <= 42:
        yield "it is not of the classic schema that Grafana 10 to 13 load"
    if "teal" not in board["tags"]:
        yield "the links between dashboards go by the tag teal"


def ids(board):
    """Demand that ids and refIds are unique: links and transformations go by them."""
    found = [panel["id"] for panel in board["panels"]]
    if len(found) != len(set(found)):
        yield "two panels have one id"
    for panel in panels(board):
        refs = [target["refId"] for target in panel["targets"]]
        if len(refs) != len(set(refs)):
            yield f"{panel['title']}: two queries have one refId"


def places(board):
    """Demand that panels lie within the grid, and beside each other."""
    for panel in board["panels"]:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']}: beyond the grid"
    for one, other in combinations(board["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        apart_x = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart_y = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not (apart_x or apart_y):
            yield f"{one['title']} and {other['title']} overlap"


def texts(board):
    """Demand a title in plain words, and how to read the panel."""
    for panel in panels(board):
        if not re.match(r"[A-Z0-9][^_]*$", panel["title"]):
            yield f"{panel['title']!r} is no title in words"
        if len(panel["description"]) < SHORTEST_DESCRIPTION:
            yield f"{panel['title']}: it does not say how to read it"


def units(board):
    """Demand a unit, or a number says nothing; 0 to 1 is written in percent."""
    for panel in panels(board):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if not unit:
            yield f"{panel['title']}: no unit"
        shares = any(re.search("[:_]ratio", target["expr"]) for target in panel["targets"])
        if panel["type"] == "timeseries" and shares and unit != "percentunit":
            yield f"{panel['title']}: a ratio is shown as {unit}"


def emptiness(board):
    """Demand words for what an empty panel means."""
    for panel in panels(board):
        if not panel["fieldConfig"]["defaults"].get("noValue"):
            yield f"{panel['title']}: it does not say what an empty panel means"


def axis(board):
    """Demand that an axis begins at zero: half of little is not drawn as nothing."""
    for panel in panels(board):
        if panel["type"] == "timeseries" and panel["fieldConfig"]["defaults"].get("min") != 0:
            yield f"{panel['title']}: its axis does not begin at 0"


def sources(board):
    """Demand that every query says its data source, by uid."""
    holders = [*panels(board), *board["annotations"]["list"], *board["templating"]["list"]]
    holders += [target for panel in panels(board) for target in panel["targets"]]
    for holder in holders:
        if holder.get("datasource") != DATASOURCE:
            yield f"{holder.get('title') or holder.get('name')}: another data source"


def rates(board):
    """Demand that a counter is only read as a rate or an increase, and never by irate."""
    for where, expression, _ in queries(board):
        if "irate(" in expression:
            yield f"{where}: irate shows the last two samples only"
        for counter in re.finditer(r"\w+_(?:total|bucket|count|sum)\b", expression):
            known = counter[0].endswith("_total") or counter[0] in counters()
            before = expression[: counter.start()]
            is_read = re.search(r"(?:rate|increase)\($", before)
            if (known or "_bucket" in counter[0]) and not is_read:
                yield f"{where}: {counter[0]} only ever goes up"


def windows(board):
    """Demand windows that are Grafana's, or long enough for any range that is looked at."""
    for where, expression, _ in queries(board):
        for window in re.findall(r"\[([^\]:]+)(?::[^\]]*)?\]", expression):
            if window in {"$__rate_interval", "$__range"}:
                continue
            number, unit = re.fullmatch(r"(\d+)([smhd])", window).groups()
            if (
                int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
                < SHORTEST_WINDOW_SECONDS
            ):
                yield f"{where}: [{window}] is shorter than a minute"


def limits(board):
    """Demand that a limit is a series of limits.yml, drawn dashed, and no panel's own number.

    From 1 on something is not well where nothing should be: that is no limit that anyone sets.
    """
    for panel in panels(board):
        dashed = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            for each in override["properties"]
            if each["id"] == "custom.lineStyle"
        }
        drawn = {
            target["legendFormat"]
            for target in panel["targets"]
            if panel["type"] == "timeseries" and re.fullmatch(r"limit:\w+", target["expr"])
        }
        if dashed != drawn:
            yield f"{panel['title']}: a limit is not dashed, or a dashed line is no limit"
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        if any(step["value"] not in {None, 1} for step in steps):
            yield f"{panel['title']}: a limit of its own"


def colors(board):
    """Demand that what is named by its pool has the pool's colour, and nothing else has."""
    own = set(POOL_COLORS.values()) - {"gray", "purple"}
    for panel in panels(board):
        overrides = panel["fieldConfig"]["overrides"]
        found = {
            override["matcher"]["options"]: prop["value"]["fixedColor"]
            for override in overrides
            for prop in override["properties"]
            if prop["id"] == "color"
        }
        by_pool = {f"/^{pool}\\b/": color for pool, color in POOL_COLORS.items()}
        if any(target["legendFormat"].startswith("{{pool}}") for target in panel["targets"]):
            is_stated = panel["fieldConfig"]["defaults"].get("mappings") and not overrides
            if panel["type"] != "table" and not is_stated and not by_pool.items() <= found.items():
                yield f"{panel['title']}: pools without their colours"
        for name in found.keys() - by_pool.keys():
            if found[name] in own:
                yield f"{panel['title']}: {name} has the colour of a pool"


def annotations(board):
    """Demand the same marks on every dashboard: when something happened."""
    found = {each["name"] for each in board["annotations"]["list"] if each["enable"]}
    if found != MARKS:
        yield f"marks: {sorted(found ^ MARKS)} too many or missing"
    shades = [each["iconColor"] for each in board["annotations"]["list"]]
    if len(shades) != len(set(shades)):
        yield "two kinds of marks have one colour"


def links(board):
    """Demand that the other dashboards at the same time, and the runbook, are one click away."""
    kinds = {link["type"]: link for link in board["links"]}
    if not kinds.get("dashboards", {}).get("keepTime"):
        yield "links to the other dashboards lose the time"
    if "${runbook}" not in kinds.get("link", {}).get("url", ""):
        yield "no link to the runbook"
    if {each["name"] for each in board["templating"]["list"]} != {"runbook"}:
        yield "the link's variable is not there"


def legends(board):
    """Demand that every series has a name of its own."""
    for panel in panels(board):
        names = [target["legendFormat"] for target in panel["targets"]]
        if "" in names or len(names) != len(set(names)):
            yield f"{panel['title']}: series without a name, or two with one"


RULES = {
    rule.__name__: rule
    for rule in (
        provisioned, ids, places, texts, units, emptiness, axis, sources, rates, windows, limits,
        colors, annotations, links, legends,
    )
}  # fmt: skip


def complaints(board):
    """Return (rule, complaint) for all that is wrong with a dashboard, without what is excluded."""
    return [
        (name, complaint)
        for name, rule in RULES.items()
        for complaint in rule(board)
        if (name, complaint.split(": ")[0]) not in EXCLUDED
    ]
