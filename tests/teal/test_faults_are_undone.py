"""Whatever ends a drill, and wherever in it, the fault is taken back."""

from types import SimpleNamespace

import pytest

from teal import silences
from teal.drills import lab as lab_module
from teal.drills.lab import Lab
from teal.drills.shown import shown_as_drill
from teal.settings import load
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


def _lab(layout, **options):
    return Lab(load({"TEAL_ENV_FILE": "/nonexistent"}), _Runtime(layout, **options))


def test_what_cannot_be_revived_keeps_nobody_else_down(layout):
    """Blue stays dead; green comes back."""
    lab = _lab(layout, failing={("revive", "blue")})

    with pytest.raises(RuntimeError, match="blue"), lab.killed("blue", "green"):
        assert {"blue", "green"} == lab.runtime.dead

    assert {"blue"} == lab.runtime.dead


def test_a_kill_that_was_interrupted_is_taken_back(layout):
    """Ctrl-C between the kill and its end."""
    lab = _lab(layout, failing={("kill", "green")})

    with pytest.raises(KeyboardInterrupt), lab.killed("blue", "green"):
        pytest.fail("never here")

    assert set() == lab.runtime.dead


@pytest.mark.parametrize("moment", ["create", "kill", "inside", "after"])
def test_the_silence_of_the_maintenance_drill_goes_with_it(layout, monkeypatch, moment):
    """And another operator's maintenance stays."""
    ours, theirs = (
        SimpleNamespace(why=why, is_maintenance=True) for why in (lab_module.A_DRILL, "new rack")
    )
    standing = [theirs]

    def create(*_, **__):
        standing.append(ours)
        if moment == "create":
            raise KeyboardInterrupt

    monkeypatch.setattr(silences, "create", create)
    monkeypatch.setattr(silences, "in_force", lambda _: list(standing))
    monkeypatch.setattr(silences, "end", lambda _, silence: standing.remove(silence))
    lab = _lab(layout, failing={("kill", "green")} if moment == "kill" else ())

    def pause(self, seconds):
        if moment == "after":
            raise KeyboardInterrupt

    monkeypatch.setattr(Lab, "pause", pause)
    with pytest.raises(KeyboardInterrupt), lab.maintained("green"):  # noqa: PT012
        if moment == "inside":
            raise KeyboardInterrupt

    assert [theirs] == standing
    assert set() == lab.runtime.dead


def test_a_switch_an_unreadable_log_and_the_mark_go(layout):
    """Each on its own, interrupted inside."""
    lab = _lab(layout)
    declare(layout, "blue")
    for fault in (lab.switched(), lab.unreadable_log(), shown_as_drill(layout)):
        with pytest.raises(KeyboardInterrupt), fault:
            raise KeyboardInterrupt

    assert "blue" == desired(layout)
    assert "a line\n" == layout.access_log.read_text()
    assert not layout.drill.exists()
