"""The password of the monitoring: made once, mended when one half of it is lost."""

import json
import stat

import bcrypt
import pytest

from teal.stack import password
from teal.stack.layout import Layout


@pytest.fixture
def layout(tmp_path):
    """Return a layout whose secrets can be written."""
    made = Layout(tmp_path)
    made.secrets.mkdir(mode=0o700)
    password.make(made)
    return made


def _fits(layout):
    hashed = json.loads(layout.web_config.read_text())["basic_auth_users"][password.USER]
    return bcrypt.checkpw(layout.password.read_bytes(), hashed.encode())


def test_it_is_made_once(layout):
    """Programs that run go on knowing it."""
    before = layout.password.read_text(), layout.web_config.read_text()
    assert not password.make(layout)

    assert before == (layout.password.read_text(), layout.web_config.read_text())
    assert _fits(layout)
    assert len(before[0]) > 30


@pytest.mark.parametrize("lost", ["password", "web_config"])
def test_a_lost_half_is_made_anew(layout, lost):
    """Both fit each other again."""
    getattr(layout, lost).unlink()

    assert (lost == "password") == password.make(layout)

    assert _fits(layout)


def test_a_spoiled_hash_is_made_anew(layout):
    """Half a file, after a full disk."""
    layout.web_config.chmod(0o644)
    layout.web_config.write_text('{"basic_auth_users": {"te')
    password.make(layout)

    assert _fits(layout)


def test_only_its_owner_can_open_it(layout):
    """The files are readable for containers, the folder is not for anybody else."""
    assert 0o700 == stat.S_IMODE(layout.secrets.stat().st_mode)
