"""Kinds of Docker engines, told by `docker info`, and who owns what on each."""

import pytest

from teal.docker.engine_kind import EngineKind, parse

PLAIN = ["name=apparmor", "name=seccomp,profile=default"]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (PLAIN, EngineKind()),
        ([*PLAIN, "name=rootless", "name=cgroupns"], EngineKind(is_rootless=True)),
        (["name=seccomp,profile=builtin", "name=userns"], EngineKind(is_remapped=True)),
        (["name=selinux", *PLAIN], EngineKind(has_selinux=True)),
    ],
)
def test_the_kind_is_read_off_the_security_options(options, kind):
    """As engines 20.10 to 28 print them."""
    assert kind == parse(options)


def test_containers_that_write_here_are_who_owns_the_folders():
    """The user who runs Teal; root's are handed over; a rootless engine's root is its user."""
    assert (1000, 1000) == EngineKind().owner(1000, 1000)
    assert (61000, 61000) == EngineKind().owner(0, 0)
    assert (0, 0) == EngineKind(is_rootless=True).owner(1000, 1000)
    assert (1000, 1000) == EngineKind(is_remapped=True).owner(1000, 1000)


def test_remapped_users_would_own_nothing_here():
    """Who writes to our folders is left out of it; the pools are not."""
    assert "host" == EngineKind(is_remapped=True).user_namespace
    assert "" == EngineKind().user_namespace


def test_selinux_is_named():
    """It cannot be seen from here whether it is in the way."""
    assert "SELinux" in EngineKind(has_selinux=True).notice
    assert EngineKind().notice is None
