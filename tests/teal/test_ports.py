"""Whether a port is taken, and by whom."""

import os
import socket
from pathlib import Path

import pytest

from teal.errors import RuntimeFailedError
from teal.settings import load
from teal.stack import listening
from teal.stack.ports import is_taken, taken_by_others
from teal.stack.runtime import Listener


@pytest.fixture
def taken():
    """Return a port of 127.0.0.1 that this process listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class _Runtime:
    def __init__(self, *listeners, holder=None):
        self._listeners, self._holder = listeners, holder

    def listeners(self):
        return self._listeners

    def holder(self, _):
        return self._holder


def test_a_port_of_one_address_is_taken_for_all_of_them(taken):
    """Whoever listens everywhere needs it free everywhere."""
    assert is_taken("127.0.0.1", taken)
    assert is_taken("0.0.0.0", taken)  # noqa: S104 - asked, not bound
    assert is_taken("", taken)


def test_a_port_that_nobody_listens_at_is_free():
    """It was closed a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert not is_taken("127.0.0.1", port)


def test_another_program_is_named_with_the_setting(taken):
    """Whether or not the part exists already: it does not hold the port."""
    wanted = Listener(part="nginx", address="127.0.0.1", port=taken)
    settings = load({"STATUS_PORT": str(taken)})

    with pytest.raises(RuntimeFailedError, match=rf"port {taken} \(nginx\).*set STATUS_PORT"):
        taken_by_others(settings, _Runtime(wanted))


def test_what_the_part_itself_holds_is_its_own(taken):
    """A second `make up` finds its own parts."""
    wanted = Listener(part="nginx", address="127.0.0.1", port=taken)

    assert {} == taken_by_others(load({}), _Runtime(wanted, holder="nginx"))


def test_a_part_that_has_the_port_of_another_is_named(taken):
    """Two settings were exchanged."""
    wanted = Listener(part="inbox", address="127.0.0.1", port=taken)

    with pytest.raises(RuntimeFailedError, match="taken by prometheus of this stack"):
        taken_by_others(load({"INBOX_PORT": str(taken)}), _Runtime(wanted, holder="prometheus"))


def test_an_optional_part_is_left_out(taken):
    """With the line that says why."""
    wanted = Listener(part="grafana", address="127.0.0.1", port=taken, is_optional=True)
    without = taken_by_others(load({"GRAFANA_PORT": str(taken)}), _Runtime(wanted))

    assert ["grafana"] == list(without)
    assert "set GRAFANA_PORT" in without["grafana"]


def test_the_process_that_listens_is_found(taken):
    """By its group, or what a killed nginx left behind by its folder."""
    nowhere = Path("/nonexistent")

    assert "us" == listening.holder(taken, {os.getpgrp(): "us"}, nginx=nowhere)
    assert listening.holder(taken, {1: "init"}, nginx=nowhere) is None
    assert "nginx" == listening.holder(taken, {1: "init"}, nginx=Path.cwd())
