"""Alertmanager's configuration as it is read: the repository's, with the dead man's switch added.

The switch's address is a secret, so it is in no configuration but in a file of its own. Which kind
of receiver can read an address from a file depends on Alertmanager's version.
"""

from teal.bootstrap import ROOT
from teal.settings import Settings
from teal.stack.layout import Layout, write

SOURCE = ROOT / "alertmanager" / "alertmanager.yml"
# The last line of the source; what follows it belongs to this receiver.
_RECEIVER = "  - name: heartbeat\n"
_FILE = "secrets/heartbeat_url"
_WEBHOOK_URL_FILE_SINCE = (0, 26)


def write_configuration(settings: Settings, layout: Layout, *, version: tuple[int, ...]) -> bool:
    """Write the file for this version. Return whether it is different from before: to be reloaded.

    Raises ValueError where the source does not end in the switch's receiver.
    """
    text = SOURCE.read_text()
    if not text.endswith(_RECEIVER):
        raise ValueError(f"{SOURCE} must end in {_RECEIVER.strip()!r}")
    if settings.heartbeat_url:
        text += f"    {_switch(version)}\n"
    changed = not layout.alertmanager.exists() or layout.alertmanager.read_text() != text
    write(layout.alertmanager, text, mode=0o444)
    return changed


# Private


def _switch(version: tuple[int, ...]) -> str:
    """Return the receiver's one line. A beat is a beat: there is nothing to resolve."""
    if version >= _WEBHOOK_URL_FILE_SINCE:
        return f"webhook_configs: [{{url_file: {_FILE}, send_resolved: false, max_alerts: 1}}]"
    # Debian 12's would show a web hook's address in its API and in its log. What it posts to Slack
    # is a POST like any other, and it does not mind what is answered.
    return f"slack_configs: [{{api_url_file: {_FILE}, send_resolved: false}}]"
