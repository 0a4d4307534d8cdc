"""What all dashboards share: the frame, the links between them, and the marks on every graph."""

from collections.abc import Sequence

from grafana.panels import DATASOURCE, Json, worst

GRID_COLUMNS = 24
# Grafana's number for the classic schema of its version 11; later ones migrate it on load.
SCHEMA_VERSION = 41
# Panels side by side with their widths; a line of them with its height: in units of the grid.
Cells = Sequence[tuple[int, Json]]
Line = tuple[int, Cells]


def row(title: str) -> Line:
    """Return a heading that spans the width."""
    return 1, [(GRID_COLUMNS, {"type": "row", "title": title, "collapsed": False, "panels": []})]


def board(uid: str, title: str, description: str, lines: Sequence[Line], *, time_from: str) -> Json:
    """Return a dashboard as Grafana loads it from a file. `time_from` is like `now-15m`."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["teal"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s" if time_from == "now-15m" else "1m",
        "time": {"from": time_from, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_runbook()]},
        "annotations": {"list": annotations()},
        "links": _links(),
        "panels": _placed(lines),
    }


def annotations() -> list[Json]:
    """Return the marks that all graphs have, and the switches above them.

    Windows are as long as a step: over weeks, what was short would lie between two steps.
    """
    return [
        # First: what it sets off is drawn over it.
        _annotation(
            "Drill",
            f"{worst('nginxlog_drill_running')} == 1",
            color="purple",
            title="Something is broken on purpose",
        ),
        _annotation(
            "Failover",
            worst('ALERTS{alertname="PoolFailover", alertstate="firing"}'),
            color="red",
            title="Failover from {{from}} to {{to}}",
        ),
        _annotation(
            "Other critical alert",
            worst('ALERTS{alertstate="firing", severity="critical", alertname!="PoolFailover"}'),
            color="dark-red",
            title="{{alertname}}",
        ),
        _annotation(
            "Planned switch",
            "nginxlog_desired_pool_last_change_timestamp_seconds * 1000 > 0",
            color="light-blue",
            title="Another pool was declared desired",
            value_is_time=True,
        ),
        # A series that was not there a step ago, of a pool that was.
        _annotation(
            "Release change",
            "nginxlog_pool_release_info"
            " unless nginxlog_pool_release_info offset $__rate_interval"
            " and on (pool) nginxlog_pool_release_info offset $__rate_interval",
            color="yellow",
            title="{{pool}} runs {{release}}",
        ),
        _annotation(
            "Maintenance or silence",
            f"""sum({worst('alertmanager_silences{state="active"}')}) > 0""",
            color="gray",
            title="Silenced: see make status",
        ),
    ]


# Private


def _annotation(
    name: str, expr: str, *, color: str, title: str, value_is_time: bool = False
) -> Json:
    """Mark where the expression has samples; with `value_is_time` at the time that they are, in ms.

    Samples one after the other become one region.
    """
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "titleFormat": title,
        "useValueForTime": value_is_time,
        "target": {"expr": expr, "refId": "Anno", "interval": ""},
    }


def _runbook() -> Json:
    """Return a hidden variable: where the runbook is. Only the alerts know (external labels)."""
    query = 'label_values(ALERTS{alertname="Watchdog"}, runbook_url)'
    return {
        "name": "runbook",
        "type": "query",
        "label": "Runbook",
        "description": "Address of the runbook, for links.",
        "hide": 2,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "Runbook"},
        "refresh": 1,
        "regex": "",
        "sort": 0,
        "multi": False,
        "includeAll": False,
        "options": [],
    }


def _links() -> list[Json]:
    others = {
        "type": "dashboards",
        "title": "Teal",
        "tags": ["teal"],
        "asDropdown": False,
        "keepTime": True,
        "includeVars": True,
        "targetBlank": False,
        "icon": "dashboard",
        "tooltip": "",
        "url": "",
    }
    runbook = {
        **others,
        "type": "link",
        "title": "Runbook",
        "tags": [],
        "keepTime": False,
        "includeVars": False,
        "targetBlank": True,
        "icon": "doc",
        "tooltip": "What each alert means and what to do",
        "url": "${runbook}",
    }
    return [others, runbook]


def _placed(lines: Sequence[Line]) -> list[Json]:
    """Place panels line by line; ids are given in reading order."""
    placed: list[Json] = []
    y = 0
    for height, panels in lines:
        x = 0
        for width, panel in panels:
            place = {"x": x, "y": y, "w": width, "h": height}
            placed.append({**panel, "id": len(placed) + 1, "gridPos": place})
            x += width
        y += height
    return placed
