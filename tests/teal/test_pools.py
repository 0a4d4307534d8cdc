"""What Compose is told of the pools: who they run as, what they may write to, their environment."""

import json

import pytest

from teal.docker import image_config
from teal.docker.image_config import ImageConfig
from teal.docker.pool_overrides import environment, fragment, notice, render, user_of
from teal.errors import RuntimeFailedError
from teal.settings import load

ROOTS = [ImageConfig(name="shop", user=user) for user in ("", "root", "0", "0:0", "root:staff")]


@pytest.fixture
def settings(tmp_path):
    """Return a function that makes settings."""
    (tmp_path / ".env").touch()
    return lambda **own: load({"TEAL_ENV_FILE": str(tmp_path / ".env"), **own})


def _told(settings, user="1000:1000", **own):
    image = ImageConfig(name="shop", user=user)
    return fragment(settings, {"blue": image}, own)["services"]["blue"]


@pytest.mark.parametrize("image", ROOTS, ids=lambda image: image.user)
def test_an_image_that_would_run_as_root_does_not(settings, image):
    """It runs as a user of nobody's, with a home it can write to, and that is said."""
    told = fragment(settings(), {"blue": image}, {})["services"]["blue"]

    assert "61000:61000" == told["user"]
    assert {"HOME": "/tmp"} == told["environment"]  # noqa: S108 - in the container
    assert "shop names no user: it runs as 61000, not as root" in notice(settings(), image)


def test_an_image_that_names_its_user_runs_as_that(settings):
    """Nothing is said, its home is its own."""
    image = ImageConfig(name="shop", user="1000:1000")

    assert "1000:1000" == user_of(settings(), image)
    assert notice(settings(), image) is None
    assert {} == _told(settings())["environment"]


@pytest.mark.parametrize("image", ROOTS)
def test_root_is_root_when_asked_for(settings, image):
    """POOL_USER is the last word."""
    assert "root" == user_of(settings(POOL_USER="root"), image)
    assert notice(settings(POOL_USER="root"), image) is None


def test_no_capability_is_added_but_those_named(settings):
    """None by default."""
    assert [] == _told(settings())["cap_add"]
    asked = settings(POOL_CAPS="cap_chown, setuid")
    assert ["CHOWN", "SETUID"] == _told(asked)["cap_add"]


def test_writable_folders_belong_to_the_pools_user(settings):
    """Size and exec as said; /tmp is always there, and can be said otherwise."""
    assert ["/tmp:mode=1777,size=64m,uid=1000,gid=1000"] == _told(settings())["tmpfs"]  # noqa: S108
    asked = settings(POOL_WRITABLE="/tmp:256m:exec /var/cache/shop/", POOL_USER="33")  # noqa: S108

    assert [
        "/tmp:mode=1777,size=256m,exec,uid=33,gid=0",  # noqa: S108
        "/var/cache/shop:mode=1777,size=64m,uid=33,gid=0",
    ] == _told(asked)["tmpfs"]


def test_names_of_users_are_looked_up_in_the_image(settings, monkeypatch):
    """As Docker does it; an unknown one is Docker's to refuse."""
    known = "root:x:0:0::/:/bin/sh\nshop:x:1001:1002::/home/shop:/bin/sh\n"
    monkeypatch.setattr(image_config, "_file", lambda *_: known)

    assert "uid=1001,gid=1002" in _told(settings(), user="shop")["tmpfs"][0]
    assert "uid=1001,gid=5" in _told(settings(), user="shop:5")["tmpfs"][0]
    assert "uid=" not in _told(settings(), user="nobody-knows")["tmpfs"][0]


def test_the_environment_is_taken_as_it_is_written(settings, tmp_path):
    """Quotes off, no variable filled in, neither by us nor by Compose."""
    file = tmp_path / "app.env"
    file.write_text("# shop\nPASSWORD='pa$$w#rd ${HOME}'\nEMPTY=\nHOME=/data\n")
    own = environment(settings(POOL_ENV_FILE=str(file)))
    told = fragment(settings(), {"blue": ImageConfig(name="shop")}, own)

    assert {"PASSWORD": "pa$$w#rd ${HOME}", "EMPTY": "", "HOME": "/data"} == own
    assert own == told["services"]["blue"]["environment"]
    assert own == json.loads(render(told).replace("$$", "$"))["services"]["blue"]["environment"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "POOL_ENV_FILE: there is no file "), ("PORT=80\n", "is told by POOL_PORT in .env")],
)
def test_a_file_that_cannot_be_used_is_refused(settings, tmp_path, text, words):
    """By name, with what would be right."""
    file = tmp_path / "app.env"
    if text is not None:
        file.write_text(text)

    with pytest.raises(RuntimeFailedError, match=words):
        environment(settings(POOL_ENV_FILE=str(file)))
