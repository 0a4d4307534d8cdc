"""The inbox as a process: live pages, restarts, stops."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from served import LIMIT_SECONDS, Served, start

from inbox.api import MOST_STREAMS

FIRING = {"attachments": [{"title": "down", "color": "danger", "footer": "teal · A"}]}
RESOLVED = {"attachments": [{"title": "up", "color": "good", "footer": "teal · A"}]}


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Served]:
    """Serve an empty inbox."""
    with Served("inbox", DATA_DIR=str(tmp_path)) as served:
        yield served


def send(inbox: Served, payload: dict[str, Any]) -> requests.Response:
    """Send a message as Alertmanager does."""
    return requests.post(f"{inbox.url}/services/local/inbox/webhook", json=payload, timeout=20)


def events(inbox: Served, since: int = 0) -> requests.Response:
    """Open the live stream."""
    return requests.get(f"{inbox.url}/events?since={since}", stream=True, timeout=LIMIT_SECONDS)


def next_event(lines: Iterator[str]) -> list[dict[str, Any]]:
    """Return the cards of the next event."""
    data = next(line for line in lines if line.startswith("data: "))
    return list(json.loads(data.removeprefix("data: ")))


def test_an_open_page_gets_each_message_at_once(inbox: Served) -> None:
    """As ready HTML; a resolved one brings the card that it ends."""
    with events(inbox) as stream:
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        next(lines)
        sent_at = time.monotonic()
        assert send(inbox, FIRING).text == "ok"
        [first] = next_event(lines)
        assert time.monotonic() - sent_at < 2
        send(inbox, RESOLVED)
        ended, resolved = next_event(lines)

    assert 'class="message firing"' in first["html"]
    assert (ended["id"], resolved["id"]) == (1, 2)
    assert 'class="message firing ended"' in ended["html"]


def test_a_page_that_lost_its_connection_misses_nothing(inbox: Served) -> None:
    """The browser says which event it saw last."""
    for number in range(3):
        send(inbox, {"text": f"message {number}"})

    with events(inbox, since=2) as stream:
        [card] = next_event(stream.iter_lines(chunk_size=1, decode_unicode=True))

    assert "message 2" in card["html"]


def test_open_pages_are_bounded_and_leave_room_for_the_webhook(inbox: Served) -> None:
    """One page too many is told so; messages come in all the same."""
    streams = [events(inbox) for _ in range(MOST_STREAMS)]
    try:
        assert events(inbox).status_code == 503
        assert send(inbox, FIRING).text == "ok"
    finally:
        for stream in streams:
            stream.close()


def test_a_page_that_was_closed_makes_room(inbox: Served) -> None:
    """Noticed when there is something to send."""
    for stream in [events(inbox) for _ in range(MOST_STREAMS)]:
        stream.close()
    deadline = time.monotonic() + LIMIT_SECONDS
    while (stream := events(inbox)).status_code == 503:
        assert time.monotonic() < deadline, "closed pages still count"
        send(inbox, FIRING)

    stream.close()


def test_open_pages_do_not_hold_up_a_stop(inbox: Served) -> None:
    """The supervisor gives ten seconds."""
    with events(inbox) as stream:
        next(stream.iter_lines(chunk_size=1))
        inbox.process.terminate()

        assert inbox.process.wait(timeout=8) == 0


def test_messages_survive_a_kill(tmp_path: Path) -> None:
    """What was answered `ok` is there after the restart."""
    with Served("inbox", DATA_DIR=str(tmp_path)) as inbox:
        assert send(inbox, FIRING).text == "ok"
        # The master is killed; its worker notices and leaves.
        inbox.process.kill()
        inbox.wait_for_exit()

    with Served("inbox", DATA_DIR=str(tmp_path)) as inbox:
        kept = requests.get(f"{inbox.url}/api/messages?since=0", timeout=5).json()["messages"]

    assert [m["payload"] for m in kept] == [FIRING]


def test_slow_trouble_answers_when_it_is_over(inbox: Served) -> None:
    """The message is late, and kept."""
    requests.post(f"{inbox.url}/api/trouble?status=slow&seconds=3", timeout=5)
    sent_at = time.monotonic()

    assert send(inbox, FIRING).text == "ok"

    assert 2 < time.monotonic() - sent_at < 8
    assert len(requests.get(f"{inbox.url}/api/messages", timeout=5).json()["messages"]) == 1


@pytest.mark.parametrize("wrong", [{"DATA_DIR": ""}, {"DATA_DIR": "/nowhere"}, {"PORT": ""}])
def test_a_wrong_setting_is_one_line_and_status_2(wrong: dict[str, str], tmp_path: Path) -> None:
    """The line names the variable."""
    process = start("inbox", {"PORT": "1", "DATA_DIR": str(tmp_path), **wrong})
    _, errors = process.communicate(timeout=LIMIT_SECONDS)

    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert f"{next(iter(wrong))} must be" in errors
