"""Dashboards as code: panels are plain data, `make dashboards` writes the JSON."""
