"""Whatever ends a drill, and wherever in it, the fault is taken back."""

from types import SimpleNamespace

import pytest

from teal.clients.alertmanager import Alertmanager
from teal.drills import faults as faults_module
from teal.drills.drill_marker import drill_marked
from teal.drills.faults import Faults
from teal.settings import load
from teal.stack import silences
from teal.stack.desired import declare, desired
from teal.stack.layout import Layout


class _Runtime:
    """Parts that can be killed and revived, and calls that can fail."""

    def __init__(self, layout, *, failing=()):
        self.layout = layout
        self.dead = set()
        self._failing = failing

    def kill(self, part):
        self.dead.add(part)
        if ("kill", part) in self._failing:
            raise KeyboardInterrupt

    def revive(self, part):
        if ("revive", part) in self._failing:
            raise RuntimeError(part)
        self.dead.discard(part)


@pytest.fixture
def layout(tmp_path):
    """Return the folders of a stack, with a log."""
    layout = Layout(tmp_path)
    layout.drill.parent.mkdir(parents=True)
    layout.log.mkdir()
    layout.access_log.write_text("a line\n")
    return layout


def _faults(layout, **options):
    return Faults(load({"TEAL_ENV_FILE": "/nonexistent"}), _Runtime(layout, **options))


def test_what_cannot_be_revived_keeps_nobody_else_down(layout):
    """Blue stays dead; green comes back."""
    faults = _faults(layout, failing={("revive", "blue")})

    with pytest.raises(RuntimeError, match="blue"), faults.killed("blue", "green"):
        assert {"blue", "green"} == faults.runtime.dead

    assert {"blue"} == faults.runtime.dead


def test_a_kill_that_was_interrupted_is_taken_back(layout):
    """Ctrl-C between the kill and its end."""
    faults = _faults(layout, failing={("kill", "green")})

    with pytest.raises(KeyboardInterrupt), faults.killed("blue", "green"):
        pytest.fail("never here")

    assert set() == faults.runtime.dead


@pytest.mark.parametrize("moment", ["create", "kill", "inside", "after"])
def test_the_silence_of_the_maintenance_drill_goes_with_it(layout, monkeypatch, moment):
    """And another operator's maintenance stays."""
    ours, theirs = (
        SimpleNamespace(id=why, why=why, matchers=silences.maintenance("teal"))
        for why in (faults_module.A_DRILL, "new rack")
    )
    standing = [theirs]

    def create(*_, **__):
        standing.append(ours)
        if moment == "create":
            raise KeyboardInterrupt

    monkeypatch.setattr(Alertmanager, "silence", create)
    monkeypatch.setattr(Alertmanager, "silences", lambda _: list(standing))
    monkeypatch.setattr(
        Alertmanager, "end_silence", lambda _, found: standing.remove({"a drill": ours}[found])
    )
    faults = _faults(layout, failing={("kill", "green")} if moment == "kill" else ())

    def pause(self, seconds):
        if moment == "after":
            raise KeyboardInterrupt

    monkeypatch.setattr(Faults, "pause", pause)
    with pytest.raises(KeyboardInterrupt), faults.maintained("green"):  # noqa: PT012
        if moment == "inside":
            raise KeyboardInterrupt

    assert [theirs] == standing
    assert set() == faults.runtime.dead


def test_a_switch_an_unreadable_log_and_the_mark_go(layout):
    """Each on its own, interrupted inside."""
    faults = _faults(layout)
    declare(layout, "blue")
    for fault in (faults.switched(), faults.unreadable_log(), drill_marked(layout)):
        with pytest.raises(KeyboardInterrupt), fault:
            raise KeyboardInterrupt

    assert "blue" == desired(layout)
    assert "a line\n" == layout.access_log.read_text()
    assert not layout.drill.exists()
