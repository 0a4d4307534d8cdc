"""Grafana's own settings: who may look, what it asks outside, where it finds what is ours."""

import stat

import yaml
from boards import BOARDS, ROOT

from teal.processes import grafana
from teal.stack.layout import BEHIND_GATEWAY, Layout

COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]["grafana"]
PLACES = (
    "GF_SERVER_",
    "GF_PATHS_",
    "GF_SECURITY_ADMIN_PASSWORD__FILE",
    "GF_DASHBOARDS_DEFAULT",
    "TEAL_",
)


def _process(stack, monkeypatch, layout):
    monkeypatch.setattr(grafana, "executable", lambda: "/usr/sbin/grafana")
    settings = stack.settings
    return grafana.program(type(settings)(**{**vars(settings), "grafana": "on"}), layout)


def _elsewhere(environment):
    return {k: v for k, v in environment.items() if not k.startswith(PLACES)}


def test_both_ways_to_run_it_say_the_same(make_stack, monkeypatch, tmp_path):
    """What is not a place is equal: nobody logs in, nothing goes outside."""
    process = _process(make_stack(), monkeypatch, Layout(tmp_path))

    assert _elsewhere(COMPOSE["environment"]) == _elsewhere(process.environment)
    assert "Viewer" == process.environment["GF_AUTH_ANONYMOUS_ORG_ROLE"]


def test_only_this_machine_reaches_it(make_stack, monkeypatch, tmp_path):
    """It shows what runs where, without a login."""
    process = _process(make_stack(), monkeypatch, Layout(tmp_path))

    assert BEHIND_GATEWAY == process.environment["GF_SERVER_HTTP_ADDR"]
    assert "ports" not in COMPOSE
    assert ["monitoring"] == list(COMPOSE["networks"])


def test_the_password_is_random_and_stays(make_stack, tmp_path):
    """Made once, never the default, in a folder that others may not enter."""
    settings = make_stack().settings
    passwords = []
    for folder in ("a", "b"):
        layout = Layout(tmp_path / folder)
        for _ in range(2):
            layout.make(settings, hosts=_Hosts(), pools={"blue": "a:1", "green": "b:2"})
            passwords.append(layout.grafana_password.read_text())
        assert 0o700 == stat.S_IMODE(layout.secrets.stat().st_mode)

    assert passwords[0] == passwords[1] != passwords[2] == passwords[3]
    assert all(len(password) > 20 for password in passwords)


def test_it_opens_with_the_overview_and_finds_the_others():
    """By the folder that the provider names; data comes from the uid that panels name."""
    folder = ROOT / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "teal.yml").read_text())["providers"]
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    home = COMPOSE["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert "$TEAL_DASHBOARDS" == provider["options"]["path"]
    assert COMPOSE["environment"]["TEAL_DASHBOARDS"] == home.rpartition("/")[0]
    assert home.rpartition("/")[2] in BOARDS
    assert (False, True) == (provider["allowUiUpdates"], provider["disableDeletion"])
    assert (
        {"prometheus"}
        == {
            panel["datasource"]["uid"]
            for board in BOARDS.values()
            for panel in board["panels"]
            if panel["type"] != "row"
        }
        == {source["uid"]}
    )


class _Hosts(dict):
    def __missing__(self, part):
        return part
