"""Who is signalled at a reload: the parts that read older files than those of now."""

import os
import time

import pytest

from teal.settings import load
from teal.stack import changed
from teal.stack.layout import Layout

LONG_AGO = 1000.0


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Return files of a repository and of a stack, and when each part has read its own."""
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    layout = Layout(tmp_path / "stack")
    for file in (
        "prometheus/prometheus.yml", "prometheus/blackbox.yml", "prometheus/rules/a.yml",
        "alertmanager/templates/slack.tmpl", "stack/secrets/alertmanager.yml",
    ):  # fmt: skip
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x")
    loaded = dict.fromkeys(changed.PARTS, time.time() + changed.READING_SECONDS + 5)
    monkeypatch.setattr(changed, "loaded_at", lambda _, part: loaded[part])
    return tmp_path, layout, loaded


def _parts(layout):
    return changed.parts(load({"TEAL_ENV_FILE": os.devnull}), layout)


def test_nobody_is_signalled_for_nothing(world):
    """All have read what is there."""
    assert [] == _parts(world[1])


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("prometheus/rules/a.yml", "prometheus"),
        ("prometheus/rules/new.yml", "prometheus"),
        ("prometheus/blackbox.yml", "blackbox"),
        ("alertmanager/templates/slack.tmpl", "alertmanager"),
        ("stack/secrets/alertmanager.yml", "alertmanager"),
    ],
)
def test_only_the_part_whose_file_changed_is_signalled(world, file, part):
    """Also for a new file, and for an old one that was moved there."""
    root, layout, loaded = world
    loaded.update(dict.fromkeys(changed.PARTS, time.time() + 2))
    elsewhere = root / "elsewhere"
    elsewhere.write_text("y")
    os.utime(elsewhere, (LONG_AGO, LONG_AGO))
    loaded[part] = time.time()
    elsewhere.replace(root / file)

    # The others read later than the change, by more than a read may take.
    loaded.update({other: time.time() + 60 for other in changed.PARTS if other != part})
    assert [part] == _parts(layout)


def test_a_file_that_is_gone_is_a_change(world):
    """A rule that was removed must not fire any more."""
    root, layout, loaded = world
    loaded["prometheus"] = time.time()
    (root / "prometheus" / "rules" / "a.yml").unlink()

    assert ["prometheus"] == _parts(layout)


def test_a_part_that_does_not_say_is_signalled(world):
    """Rather once too often."""
    world[2]["blackbox"] = None

    assert ["blackbox"] == _parts(world[1])
