"""The webhook answers as Slack does, row by row."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox import slack
from inbox.store import Store
from inbox.trouble import HANG_SECONDS, SLOW_SECONDS, Trouble
from inbox.web import LARGEST_PAYLOAD_BYTES, create_app

WEBHOOK = "/services/local/inbox/webhook"
BUTTON = {"type": "button", "text": "Runbook", "url": "http://127.0.0.1/runbook", "style": ""}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """Give a client of an empty inbox."""
    return create_app(Store(tmp_path / "messages.jsonl")).test_client()


def attachment(**parts: object) -> dict[str, Any]:
    """Make a payload with one attachment."""
    return {"attachments": [parts]}


@pytest.mark.parametrize(
    ("payload", "status", "text"),
    [
        ({"text": "hello"}, 200, "ok"),
        (attachment(title="t"), 200, "ok"),
        (attachment(text="t"), 200, "ok"),
        (attachment(fallback="t"), 200, "ok"),
        (attachment(fields=[{"title": "", "value": "v"}]), 200, "ok"),
        (attachment(blocks=[{"type": "divider"}]), 200, "ok"),
        ({"blocks": [{"type": "divider"}]}, 200, "ok"),
        (attachment(title="t", fields=None, actions=None), 200, "ok"),
        (attachment(title="t", actions=[BUTTON] * 5), 200, "ok"),
        (attachment(title="t" * 1024), 200, "ok"),
        ({"text": "t", "attachments": [{}] * 100}, 200, "ok"),
        ({}, 400, "no_text"),
        ({"text": ""}, 400, "no_text"),
        ({"text": None, "attachments": None}, 400, "no_text"),
        ({"text": " \n"}, 400, "no_text"),
        ({"attachments": []}, 400, "no_text"),
        (attachment(color="danger", footer="teal"), 400, "no_text"),
        (attachment(title="", text="", fallback="", fields=[{"title": "", "value": ""}],
                    actions=[{"type": "button", "text": "", "url": ""}] * 4), 400, "no_text"),
        ({"text": "t", "attachments": [{}] * 101}, 400, "too_many_attachments"),
        ({"text": "t" * 40_001}, 400, "msg_too_long"),
        ({"attachments": "x"}, 400, "invalid_attachments"),
        ({"attachments": ["x"]}, 400, "invalid_attachments"),
        (attachment(title="t", actions=[BUTTON] * 6), 400, "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "url": ""}]), 400, "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "text": ""}]), 400, "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "url": "javascript:x"}]), 400,
         "invalid_attachments"),
        (attachment(title="t", fields="x"), 400, "invalid_attachments"),
        (attachment(title="t" * 1025), 400, "invalid_attachments"),
        (attachment(title="t", footer="f" * 300), 200, "ok"),
        (attachment(title="t", footer="f" * 301), 400, "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "text": "b" * 76}]), 400,
         "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "url": "http://a/" + "b" * 3000}]), 400,
         "invalid_attachments"),
        (attachment(title="t", actions=[{**BUTTON, "url": "http://a/b c"}]), 400,
         "invalid_attachments"),
        (attachment(title="t", text="t" * 40_001), 400, "invalid_attachments"),
        ([], 400, "invalid_payload"),
        ("text", 400, "invalid_payload"),
        (None, 400, "invalid_payload"),
    ],
)  # fmt: skip
def test_a_payload_is_judged_as_slack_judges_it(
    client: FlaskClient, payload: object, status: int, text: str
) -> None:
    """Status and word are Slack's, in plain text; only what was taken is kept."""
    answer = client.post(WEBHOOK, json=payload)

    assert (answer.status_code, answer.text) == (status, text)
    assert answer.mimetype == "text/plain"
    assert len(client.get("/api/messages").json["messages"]) == int(status == 200)


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"{", b'{"text": NaN}', b'{"text": 1e999}', b"\xff\xfe", b"[" * 10_000],
    ids=["empty", "text", "cut", "nan", "infinite", "bytes", "deep"],
)
def test_what_is_not_json_is_refused(client: FlaskClient, body: bytes) -> None:
    """However wrong it is."""
    answer = client.post(WEBHOOK, data=body, content_type="application/json")

    assert (answer.status_code, answer.text) == (400, "invalid_payload")


def test_a_form_field_named_payload_is_taken_too(client: FlaskClient) -> None:
    """The older way to call a webhook."""
    good = client.post(WEBHOOK, data={"payload": json.dumps({"text": "hello"})})
    bad = client.post(WEBHOOK, data={"text": "hello"})

    assert (good.status_code, good.text) == (200, "ok")
    assert (bad.status_code, bad.text) == (400, "invalid_payload")


@pytest.mark.parametrize("path", ["x", "a/b", "a/b/c/d", "a/b/c/", "a/b/..%2f", "a/b/c d"])
def test_a_path_that_is_no_webhook_is_no_service(client: FlaskClient, path: str) -> None:
    """A webhook has three parts: team, bot, token."""
    answer = client.post(f"/services/{path}", json={"text": "hello"})

    assert (answer.status_code, answer.text) == (404, "no_service")


def test_a_body_too_large_is_413(client: FlaskClient) -> None:
    """Read no further than the limit."""
    answer = client.post(WEBHOOK, data=b" " * (LARGEST_PAYLOAD_BYTES + 1))

    assert answer.status_code == 413
    assert answer.mimetype == "text/plain"


@pytest.mark.parametrize(
    ("color", "state"),
    [("good", "resolved"), ("danger", "firing"), ("warning", "firing"), ("#439FE0", "info"),
     (None, "info"), ([], "info")],
)  # fmt: skip
def test_state_is_read_off_the_colour(client: FlaskClient, color: object, state: str) -> None:
    """Drills ask for the state of a message."""
    client.post(WEBHOOK, json=attachment(title="t", color=color))

    assert client.get("/api/messages").json["messages"][0]["state"] == state


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [("429", 429, "rate_limited"), ("500", 500, "rollup_error"), ("403", 403, "action_prohibited"),
     ("404", 404, "channel_not_found")],
)  # fmt: skip
def test_trouble_is_answered_until_it_is_ended(
    client: FlaskClient, kind: str, status: int, text: str
) -> None:
    """Nothing is kept in the meantime; 429 says when to come back."""
    client.post(f"/api/trouble?status={kind}&seconds=60")
    answer = client.post(WEBHOOK, json={"text": "hello"})
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)
    assert client.get("/api/messages").json["messages"] == []

    assert client.delete("/api/trouble").json["trouble"] is None
    assert client.post(WEBHOOK, json={"text": "hello"}).text == "ok"


@pytest.mark.parametrize(
    "query",
    ["", "status=418", *(f"status=500&seconds={wrong}" for wrong in ("0", "x", "nan", "3601"))],
)
def test_wrong_trouble_is_400(client: FlaskClient, query: str) -> None:
    """And begins nothing."""
    assert client.post(f"/api/trouble?{query}").status_code == 400
    assert client.get("/api/trouble").json["trouble"] is None


def test_trouble_ends_by_itself() -> None:
    """At its time, not before."""
    now = [100.0]
    trouble = Trouble(clock=lambda: now[0])
    trouble.start("500", 10)

    now[0] += 9.9
    assert trouble.answer() == slack.Answer(500, "rollup_error")
    now[0] += 0.1
    assert trouble.answer() is None


def test_slow_trouble_lets_go_when_it_is_stopped() -> None:
    """A drill does not wait for it."""
    trouble = Trouble()
    trouble.start("slow", 600)
    kept_waiting = threading.Thread(target=trouble.answer, daemon=True)
    kept_waiting.start()
    kept_waiting.join(timeout=0.2)
    assert kept_waiting.is_alive()

    trouble.stop()

    kept_waiting.join(timeout=5)
    assert not kept_waiting.is_alive()


def test_slow_is_in_time_and_hanging_is_not() -> None:
    """Alertmanager gives up after 10 s."""
    assert SLOW_SECONDS < 10 < HANG_SECONDS


def test_a_message_that_hung_was_not_taken(client: FlaskClient) -> None:
    """Its sender has gone, and sends it again."""
    client.post("/api/trouble?status=hang&seconds=60")
    answers: list[int] = []
    sender = threading.Thread(
        target=lambda: answers.append(client.post(WEBHOOK, json={"text": "hello"}).status_code),
        daemon=True,
    )
    sender.start()
    sender.join(timeout=0.2)
    assert sender.is_alive()

    client.delete("/api/trouble")

    sender.join(timeout=5)
    assert answers == [504]
    assert client.get("/api/messages").json["messages"] == []


@settings(deadline=None)
@given(payload=st.dictionaries(st.sampled_from(["text", "attachments", "blocks"]), JSON))
def test_no_payload_makes_the_check_fail(payload: dict[str, Any]) -> None:
    """Whatever comes in, there is an answer in Slack's words."""
    assert slack.check(payload).status in (200, 400)
    assert slack.state(payload) in ("firing", "resolved", "info")
