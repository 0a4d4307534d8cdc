"""Dashboards as code: `make dashboards` writes dashboards/*.json, which Grafana loads."""

from grafana import objective, overview, pipeline

BOARDS = {
    "overview.json": overview.dashboard,
    "objective.json": objective.dashboard,
    "pipeline.json": pipeline.dashboard,
}
