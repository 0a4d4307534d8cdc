"""`make status` calls unknown what it does not know, and well only what it has seen to be well."""

from types import SimpleNamespace

import pytest
import requests

from teal import status
from teal.clients.alertmanager import Alertmanager
from teal.clients.exporter import Exporter, Pools
from teal.clients.prometheus import Prometheus
from teal.commands.status import text
from teal.settings import load
from teal.stack.components import parts
from teal.stack.layout import Layout


class _Stack:
    """What the parts answer; a value that is an exception is raised."""

    def __init__(self, monkeypatch, tmp_path):
        self.layout = Layout(tmp_path)
        self.settings = load({"TEAL_ENV_FILE": "/nonexistent"})
        self.sick = set()
        self.pools = Pools(
            desired="blue", active="blue", releases={"blue": "v1"}, retried={"saved": 2}
        )
        self.alerts = []
        self.numbers = {status.ERROR_RATIO: 0.0, status.ERROR_LIMIT: 0.02}
        self.silences = []
        by_url = {part.health: part.name for part in parts(self.settings)}
        monkeypatch.setattr(status, "is_healthy", lambda url: by_url[url] not in self.sick)
        monkeypatch.setattr(status, "is_up", lambda _, pool, __: pool not in self.sick)
        monkeypatch.setattr(Exporter, "pools", lambda _: self._answer(self.pools))
        monkeypatch.setattr(Prometheus, "alerts", lambda _: self._answer(self.alerts))
        monkeypatch.setattr(Prometheus, "value", lambda _, name: self._answer(self.numbers[name]))
        monkeypatch.setattr(Alertmanager, "silences", lambda _: self._answer(self.silences))

    def _answer(self, value):
        if isinstance(value, Exception):
            raise value
        return value

    def look(self):
        names = [part.name for part in parts(self.settings)]
        runtime = SimpleNamespace(
            name="local",
            layout=self.layout,
            fleet=SimpleNamespace(image=lambda _: ""),
            running=lambda: dict.fromkeys(names, "running"),
        )
        state = status.collect(self.settings, runtime)
        return state, text(state)


@pytest.fixture
def stack(monkeypatch, tmp_path):
    """Return a stack in which all is well."""
    return _Stack(monkeypatch, tmp_path)


def test_all_is_well_when_all_that_was_asked_is(stack):
    """Nothing is unknown, nothing fires, errors are below their limit."""
    state, said = stack.look()

    assert state.ok
    assert [] == state.unknown
    assert said.endswith("All is well.")
    assert "saved by retries 2 requests" in said


@pytest.mark.parametrize(
    ("part", "unknown"),
    [
        ("exporter", ["pools"]),
        ("prometheus", ["alerts", "errors", "limit of errors"]),
        ("alertmanager", ["silences"]),
    ],
)
def test_what_a_sick_part_would_know_is_unknown(stack, part, unknown):
    """It is neither none nor zero nor well."""
    stack.sick = {part}
    state, said = stack.look()

    assert unknown == state.unknown
    assert not state.ok
    assert "None" not in said
    assert (
        "no requests" not in said.replace("none (no requests so far)", "") or part != "prometheus"
    )
    assert f"unknown: {', '.join(unknown)}" in said


@pytest.mark.parametrize("what", ["pools", "alerts", "silences"])
def test_a_part_that_is_healthy_but_does_not_answer_leaves_unknowns(stack, what):
    """A health check is not an answer."""
    setattr(stack, what, requests.ReadTimeout())
    state, said = stack.look()

    assert [what] == state.unknown
    assert not state.ok
    assert "None" not in said


def test_too_many_errors_are_not_well_whatever_fires(stack):
    """An alert needs fifty requests; a person who looks needs none."""
    stack.numbers[status.ERROR_RATIO] = 2 / 11
    state, said = stack.look()

    assert not state.ok
    assert "18.18% in the last 2 minutes" in said
    assert "18.18% of the last requests failed" in said
    assert "All is well" not in said


def test_no_request_is_no_error(stack):
    """Right after the start."""
    stack.numbers[status.ERROR_RATIO] = None
    state, said = stack.look()

    assert state.ok
    assert state.error_ratio_2m is None
    assert "errors (5xx)     no requests in the last 2 minutes" in said


def test_a_missing_limit_is_unknown(stack):
    """Then nothing compares errors with anything."""
    stack.numbers[status.ERROR_LIMIT] = None
    state, _ = stack.look()

    assert ["limit of errors"] == state.unknown
    assert not state.ok
