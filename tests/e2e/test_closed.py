"""What runs as plain processes is closed to neighbours, to web pages and to other users."""

import os
import stat

import asking
import pytest
from neighbour import Neighbour, own_addresses
from reach import Untouched, acts, ports_of_the_readme
from webpage import NAME, Browser, Page

from teal.settings import load
from teal.stack.layout import BEHIND_GATEWAY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def open_door(make_stack):
    """Return a stack whose front door is open to everybody."""
    stack = make_stack(HTTP_ADDR="0.0.0.0")  # noqa: S104 - the point of it
    stack.run("up")
    stack.get("/?token=secret")
    yield stack
    stack.run("down")


def test_the_table_of_ports_names_every_port():
    """With the default of each."""
    defaults = {
        name.upper(): value for name, value in vars(load({})).items() if name.endswith("_port")
    }
    defaults.pop("POOL_PORT")

    assert defaults == {name: port for name, (port, _) in ports_of_the_readme().items()}


def test_the_table_of_ports_is_true_for_a_neighbour(open_door):
    """Who routes through this machine reaches what `everyone` reaches, at none of its addresses."""
    table = ports_of_the_readme()
    ports = {name: getattr(open_door.settings, name.lower()) for name in table}
    with Neighbour() as neighbour:
        hosts = [*own_addresses(), "127.0.0.1", BEHIND_GATEWAY]
        questions = [
            {"host": host, "port": port, "setting": name}
            for host in hosts
            for name, port in ports.items()
        ]
        answers = neighbour.ask(questions)
    seen = {q["setting"] for q, status in zip(questions, answers, strict=True) if status}

    assert {name for name, (_, who) in table.items() if who.startswith("everyone")} == seen


def test_the_table_of_ports_is_true_for_this_machine(open_door):
    """Everything that runs answers here."""
    for name in ports_of_the_readme():
        port = getattr(open_door.settings, name.lower())
        if name != "GRAFANA_PORT":
            assert asking.answer({"host": "127.0.0.1", "port": port}), name


def test_a_web_page_changes_nothing_and_reads_nothing(open_door):
    """A real browser, a page of another address, everything that a page can do."""
    settings = open_door.settings
    with Page([]) as page:
        canary = f"http://127.0.0.1:{page.port}/probed"
        page.attempts = [
            {"url": f"http://{host}:{getattr(settings, part + '_port')}{path}", "method": method}
            | ({} if body is None else {"body": body})
            for part, tried in acts(canary).items()
            for method, path, body in tried
            for host in ("127.0.0.1", "localhost", BEHIND_GATEWAY)
        ]
        with Untouched(settings):
            read = page.open()

    assert [] == read
    assert not page.probed


@pytest.mark.parametrize("part", ["prometheus", "alertmanager", "inbox", "exporter", "status"])
@pytest.mark.parametrize("address", ["127.0.0.1", BEHIND_GATEWAY])
def test_a_name_that_points_here_reads_nothing(open_door, part, address):
    """DNS rebinding: the browser takes the page for one of this address."""
    port = getattr(open_door.settings, f"{part}_port")
    for _, path, _ in [each for each in acts("x")[part] if each[0] == "GET"][:1]:
        said = Browser(address, f"http://{NAME}:{port}{path}").text()
        for word in ("up{", '"status":"success"', "versionInfo", "messages", "nginxlog_", "Active"):
            assert word not in said, said


def test_what_users_sent_is_not_for_other_users(open_door):
    """0640 and 0750: the log, what parts print, messages, counters."""
    open_door.run("load", "--seconds", "1")
    assert any("token=secret" in line for line in open_door.log_lines())
    layout = open_door.layout
    for folder in (layout.log, layout.exporter, layout.inbox, layout.directory / "output"):
        assert 0o750 == stat.S_IMODE(folder.stat().st_mode) & 0o777, folder
        for path in folder.iterdir():
            assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o027, path
    for secret in (layout.secrets, layout.gateway):
        assert 0o700 == stat.S_IMODE(secret.stat().st_mode)
    if os.getuid() == 0:
        assert layout.log.stat().st_gid == (layout.access_log).stat().st_gid


def test_a_log_of_an_older_version_is_closed_by_make_up(open_door):
    """Also the rotated ones."""
    old = open_door.layout.log / "access.log.3"
    old.touch()
    old.chmod(0o644)
    open_door.layout.log.chmod(0o755)
    open_door.run("up")

    assert 0o640 == stat.S_IMODE(old.stat().st_mode)
    assert 0o750 == stat.S_IMODE(open_door.layout.log.stat().st_mode) & 0o777
    old.unlink()
