"""Alertmanager as Debian 12 has it and as compose.yml names it, unpacked and ready to run."""

import functools

import pytest
from fix_stack import cannot_run

from teal import debian
from teal.bootstrap import HOME
from teal.stack import servers

# Debian 12's, and the one that compose.yml names.
VERSIONS = ("0.25", "0.33")


def fetched(version, *, or_skip=False):
    """Whether there is an Alertmanager of this version here; if not, `or_skip` ends the test."""
    if or_skip:
        return bool(program(version))
    try:
        return bool(program(version))
    except pytest.skip.Exception:
        return False


@functools.cache
def program(version):
    """Return the path of an Alertmanager of this version; amtool is beside it.

    Skips the test where it cannot be had; in CI that fails.
    """
    servers.fetch_missing()
    own = servers.find("prometheus-alertmanager")
    if ".".join(map(str, servers.version(own)[:2])) == version:
        return own
    name = "prometheus-alertmanager"
    try:
        found = debian.fetch(name, [name], "sid", HOME / "debian").path
    except debian.UnavailableError as error:
        cannot_run(f"Alertmanager {version}: {error}")
    if not found.with_name("patched").exists():
        servers.let_alertmanager_find_its_templates(found)
        found.with_name("patched").touch()
    if ".".join(map(str, servers.version(found)[:2])) != version:
        cannot_run(f"Alertmanager {version}: Debian has {servers.version(found)}")
    return found
