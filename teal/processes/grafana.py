"""Grafana as a plain process, where it is installed. In containers compose.yml says the same."""

import os
import shutil
from pathlib import Path

from teal.bootstrap import ROOT
from teal.processes.program import Program
from teal.settings import Settings
from teal.stack.layout import BEHIND_GATEWAY, Layout

SOURCE = ROOT / "grafana"


def executable() -> str | None:
    """Return Grafana's server, or None where it is not installed."""
    return shutil.which("grafana") or shutil.which("grafana-server")


def program(settings: Settings, layout: Layout) -> Program | None:
    """Return the process; None where Grafana is left out or missing."""
    server = executable()
    if server is None or settings.grafana == "off":
        return None
    data = layout.directory / "grafana"
    data.mkdir(parents=True, exist_ok=True)
    home = os.environ.get("GF_PATHS_HOME", "/usr/share/grafana")
    command = [server, "server"] if Path(server).name == "grafana" else [server]
    return Program(
        name="grafana",
        command=[*command, "--homepath", home],
        directory=data,
        environment={
            **_EVERYWHERE,
            "GF_SERVER_HTTP_ADDR": BEHIND_GATEWAY,
            "GF_SERVER_HTTP_PORT": str(settings.grafana_port),
            "GF_PATHS_DATA": str(data),
            "GF_PATHS_LOGS": str(data / "log"),
            "GF_PATHS_PROVISIONING": str(SOURCE / "provisioning"),
            "GF_SECURITY_ADMIN_PASSWORD__FILE": str(layout.grafana_password),
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(
                SOURCE / "dashboards" / "overview.json"
            ),
            # The gateway says Prometheus' password.
            "TEAL_PROMETHEUS_URL": settings.url("prometheus"),
            "TEAL_DASHBOARDS": str(SOURCE / "dashboards"),
        },
        stop_seconds=20,
    )


# Private

# As in compose.yml, which says why; a test compares the two.
_EVERYWHERE = {
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
}
