"""Messages survive a restart, stay few, and ids are never given twice."""

import threading
from pathlib import Path

import pytest

from inbox.store import MOST_MESSAGES, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file."""
    return tmp_path / "messages.jsonl"


def test_a_restart_forgets_nothing(path: Path) -> None:
    """The same messages, to the last field."""
    store = Store(path)
    store.add({"text": "one ü \ud800"})
    store.add({"attachments": [{"title": "two", "color": "danger"}]})

    assert Store(path).after(0) == store.after(0)
    assert [m.state for m in Store(path).after(0)] == ["info", "firing"]


def test_only_the_newest_are_kept(path: Path) -> None:
    """In memory and in the file."""
    store = Store(path)
    for number in range(2 * MOST_MESSAGES + 1):
        store.add({"text": str(number)})

    for kept in (store.after(0), Store(path).after(0)):
        assert len(kept) == MOST_MESSAGES
        assert kept[-1].payload == {"text": str(2 * MOST_MESSAGES)}
    assert len(path.read_text().splitlines()) <= 2 * MOST_MESSAGES


def test_a_line_cut_off_by_a_crash_costs_that_line_only(path: Path) -> None:
    """What was before stays, and what comes after is kept as well."""
    Store(path).add({"text": "before"})
    with path.open("a") as file:
        file.write('{"id": 2, "received": 1.0, "sta')

    store = Store(path)
    store.add({"text": "after"})

    assert [m.payload["text"] for m in Store(path).after(0)] == ["before", "after"]


def test_ids_go_on_after_clearing_and_a_restart(path: Path) -> None:
    """Whoever asks `since` an old id still sees what is new."""
    store = Store(path)
    last = store.add({"text": "old"}).id
    store.clear()
    assert store.after(0) == []

    assert Store(path).add({"text": "new"}).id > last


def test_a_waiting_reader_is_woken_by_a_message(path: Path) -> None:
    """At once, not at its next look."""
    store = Store(path)
    seen: list[str] = []
    reader = threading.Thread(
        target=lambda: seen.extend(m.payload["text"] for m in store.wait_after(0, seconds=60)),
        daemon=True,
    )
    reader.start()

    store.add({"text": "hello"})

    reader.join(timeout=5)
    assert seen == ["hello"]


def test_a_waiting_reader_gives_up_after_its_time(path: Path) -> None:
    """With nothing in hand."""
    assert Store(path).wait_after(0, seconds=0.01) == []
