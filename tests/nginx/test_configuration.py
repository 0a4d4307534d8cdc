"""How a configuration comes to nginx: beside the old one, tested, swapped, proved."""

import os
import shutil
import socket
import subprocess

import pytest
from fix_stack import cannot_run, free_ports
from front_clients import SlowDownload

from teal.errors import RuntimeFailedError
from teal.stack import nginx
from teal.stack.layout import BEHIND_GATEWAY, Layout
from teal.wait import wait_for

pytestmark = [pytest.mark.timeout(120)]


@pytest.fixture
def templates(monkeypatch, tmp_path):
    """Return a copy of the templates that a test may edit."""
    copy = tmp_path / "templates"
    shutil.copytree(nginx.TEMPLATES, copy)
    monkeypatch.setattr(nginx, "TEMPLATES", copy)
    return copy


def _replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("proxy_http_version 1.1;", "proxy_htp_version 1.1;",
         'unknown directive "proxy_htp_version" in nginx/templates/front.conf.template:'),
        ("${READ_TIMEOUT}", "${READ_TIMEOT}",
         '"proxy_read_timeout" directive invalid value in nginx/templates/front.conf.template:'),
    ],
)  # fmt: skip
def test_a_typo_in_a_template_is_named_and_harms_nothing(world, templates, old, new, words):
    """The running one goes on, a restart reads the old one; the line is that of the file."""
    before = nginx.current(world.layout), world.generation(), world.master()
    _replace(templates / "front.conf.template", old, new)
    line = (templates / "front.conf.template").read_text().split(new)[0].count("\n") + 1
    with pytest.raises(RuntimeFailedError) as refused:
        world.reload()

    assert f"{words}{line}" in str(refused.value)
    assert before == (nginx.current(world.layout), world.generation(), world.master())
    assert [] == list(world.layout.nginx.glob("next-*"))


def test_every_setting_takes_effect_by_a_reload(world):
    """No setting of nginx's needs a restart: the same master runs afterwards."""
    master = world.master()
    for setting in ("READ_TIMEOUT=7s", "POOL_KEEPALIVE=3s", "DRAIN_TIMEOUT=9s"):
        name, value = setting.split("=")
        world.set(**{name: value})
        assert world.reload()
        text = "".join(p.read_text() for p in (world.layout.nginx / "current").glob("*.conf"))
        assert f" {value};" in text
        assert world.generation() == nginx.current(world.layout)
    assert master == world.master()
    assert not world.reload(), "nothing changed, so nginx is not signalled"


def test_the_numbers_of_the_rotation_signal_nobody(world):
    """They are in a file that rotate.sh reads."""
    world.set(LOG_ROTATE_MB="7", LOG_ROTATE_KEEP="3")

    assert not world.reload()
    assert "7 3\n" == (world.layout.nginx / "rotate").read_text()


def test_a_kill_between_the_swap_and_the_signal_is_made_good(world):
    """What counts is what nginx says it runs, not what some earlier command has done."""
    world.set(READ_TIMEOUT="7s")
    generation = world.prepare()  # ... and here `make up` is killed

    assert generation != world.generation()
    assert world.reload()
    assert generation == world.generation()


def test_a_reload_that_nginx_refuses_after_all_goes_back(world, monkeypatch):
    """`nginx -t` is content with what a reload cannot have, such as a port that is taken."""
    monkeypatch.setattr(nginx, "LOADED_LIMIT_SECONDS", 4)
    before, port = world.generation(), str(world.settings.status_port)
    with socket.create_server((BEHIND_GATEWAY, 0)) as taken:
        world.set(STATUS_PORT=str(taken.getsockname()[1]))
        with pytest.raises(RuntimeFailedError, match="goes on with the one before"):
            world.reload()
    world.set(STATUS_PORT=port)

    assert before == nginx.current(world.layout) == world.generation()
    assert "Address already in use" in world.said()


def test_another_port_takes_effect_by_a_reload(world):
    """The download at the old port goes on; newcomers are refused there, not left to hang."""
    old = world.port
    with SlowDownload(old) as download:
        world.set(HTTP_PORT=str(free_ports(1)[0]))
        assert world.reload()
        assert world.is_open()
        with pytest.raises(ConnectionRefusedError):
            wait_for(
                lambda: socket.create_connection(("127.0.0.1", old)).close(),
                what="the old port to be closed",
                seconds=10,
            )
        assert download.goes_on()


def test_a_full_disk_while_it_is_written_changes_nothing(world, tmp_path):
    """A small file system stands in for the disk."""
    if os.getuid() != 0:
        cannot_run("only root can mount a file system")
    layout = Layout(tmp_path / "small")
    (layout.nginx / "0123456789ab").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", layout.nginx], check=True)
    try:
        (layout.nginx / "current").symlink_to("0123456789ab")
        with pytest.raises(RuntimeFailedError, match="could not be written: No space left"):
            nginx.prepare(world.settings, layout, world.surroundings(), world.refusal)
        assert ["current"] == [path.name for path in layout.nginx.iterdir()]
        assert "0123456789ab" == nginx.current(layout)
    finally:
        subprocess.run(["umount", layout.nginx], check=True)


def test_it_can_be_read_whatever_the_umask(world):
    """A container's user is another one."""
    old = os.umask(0o077)
    try:
        world.set(READ_TIMEOUT="7s")
        world.prepare()
    finally:
        os.umask(old)
    folder = (world.layout.nginx / "current").resolve()

    assert 0o755 == folder.stat().st_mode & 0o777
    assert {0o644} == {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert 0o644 == (world.layout.nginx / "rotate").stat().st_mode & 0o777
