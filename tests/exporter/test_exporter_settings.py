"""A wrong setting is refused at start, by name, with what would be right."""

from pathlib import Path

import pytest
from loglines import settings

from nginxlog_exporter import cli
from nginxlog_exporter.config import VARIABLES, SettingsError, load
from nginxlog_exporter.count.histogram import DEFAULT_BUCKETS


def test_the_defaults_suit_any_nginx(tmp_path: Path) -> None:
    """Each address a pool of its own, 200 requests, five in a row, from the beginning."""
    found = settings(tmp_path, pools="")

    assert (found.pools.names, found.routes.templates, found.from_end) == ((), (), False)
    assert (found.window, found.active_after, found.poll_seconds) == (200, 5, 0.5)
    assert found.buckets == DEFAULT_BUCKETS


def test_a_flag_beats_the_variable() -> None:
    """What is said last and nearest counts."""
    both = {"NGINXLOG_FILE": "/a", "NGINXLOG_FORMAT": "$status"}
    found = load({"NGINXLOG_FILE": "/b"}, both)

    assert found.files == ("/b",)


def test_a_format_may_say_its_escaping() -> None:
    """As the directive does."""
    found = load(
        {}, {"NGINXLOG_FILE": "/a", "NGINXLOG_FORMAT": 'escape=json {"s":"$status"}'}
    ).log_format

    assert (found.escape, found.text) == ("json", '{"s":"$status"}')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POOLS", "blue"),
        ("POOLS", "blue=*:1,blue=*:2"),
        ("POOLS", "none=*:1"),
        ("POOLS", "blue="),
        ("LISTEN", "9117"),
        ("LISTEN", "127.0.0.1:99999"),
        ("STATE_FILE", "/no/such/folder/state.json"),
        ("WINDOW", "0"),
        ("WINDOW", "many"),
        ("ACTIVE_AFTER", "-1"),
        ("POLL_SECONDS", "nan"),
        ("POOLS", "blue=10.0.0.1"),
        ("POLL_SECONDS", "0"),
        ("POOLS", "a/b/c=*:1"),
        ("READ_FROM", "middle"),
        ("ROUTES", "users"),
        ("ROUTES", "/a,/a"),
        ("ROUTES", "/*/a"),
        ("BUCKETS", "1,1"),
        ("BUCKETS", "0.1,inf"),
        ("BUCKETS", "-1,2"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    """The message names the variable, shows the value, and says what would be right."""
    with pytest.raises(SettingsError, match=f"NGINXLOG_{name}: '.*' is not valid; it must be "):
        settings(tmp_path, **{name.lower(): value})


def test_a_missing_log_or_format_is_named(tmp_path: Path) -> None:
    """There is no default for what only the user knows."""
    with pytest.raises(SettingsError, match="NGINXLOG_FILE is not set"):
        load({}, {"NGINXLOG_FORMAT": "$status"})
    with pytest.raises(SettingsError, match=r"either NGINXLOG_FORMAT_FILE .* neither is set"):
        load({}, {"NGINXLOG_FILE": "/a"})
    with pytest.raises(SettingsError, match="both are set"):
        settings(tmp_path, format="$status")
    with pytest.raises(SettingsError, match="NGINXLOG_FORMAT_FILE /no/such"):
        load({}, {"NGINXLOG_FILE": "/a", "NGINXLOG_FORMAT_FILE": "/no/such"})


def test_several_patterns_make_one_pool(tmp_path: Path) -> None:
    """A pool of two servers, one of them behind a socket."""
    found = settings(tmp_path, pools="blue=10.0.0.1:80|unix:/run/blue.sock, green=*:8082")

    assert found.pools.patterns["blue"] == ("10.0.0.1:80", "unix:/run/blue.sock")


def test_the_help_shows_each_variable_flag_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to read the code."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    shown = "".join(capsys.readouterr().out.split())

    assert stopped.value.code == 0
    for variable in VARIABLES:
        assert variable.flags[-1] in shown
        assert variable.name in shown
        assert "".join(variable.default.split()) in shown


def test_a_wrong_setting_is_one_line_and_exit_code_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No traceback."""
    code = cli.main(["--file", str(tmp_path / "a"), "--format", "$status", "--window", "0"])
    lines = capsys.readouterr().err.splitlines()

    assert code == 2
    assert len(lines) == 1
    assert "NGINXLOG_WINDOW: '0'" in lines[0]


def test_settings_that_would_have_no_effect_are_refused(tmp_path: Path) -> None:
    """An escaping that nginx does not have, and a name where there is nothing to choose."""
    with pytest.raises(SettingsError, match="it must be escape=default, escape=json"):
        settings(tmp_path, format="escape=foo $status $request_method", format_file="")
    with pytest.raises(SettingsError, match="NGINXLOG_FORMAT_NAME is for NGINXLOG_FORMAT_FILE"):
        settings(tmp_path, format="combined", format_file="", format_name="timed")
