"""What the page shows, and that nothing in a message can do anything."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox import slack, view
from inbox.store import Message, Store
from inbox.web import create_app

WEBHOOK = "/services/local/inbox/webhook"
RUNBOOK = (
    "# Book\n\n## PoolFailover\n\nText <b>raw</b> [x](javascript:alert(1))\n\n## Silence an alert\n"
)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
COLORS = {"firing": "danger", "resolved": "good", "info": "#439FE0"}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """Give a client of an empty inbox with a runbook."""
    runbook = tmp_path / "runbook.md"
    runbook.write_text(RUNBOOK)
    return create_app(Store(tmp_path / "messages.jsonl"), runbook=runbook).test_client()


def message(number: int, state: str, *, footer: str = "", title: str = "t") -> Message:
    """Make a message, ten seconds after the one before."""
    attachment = {"color": COLORS[state], "title": title, "footer": footer}
    return Message(number, number * 10.0, state, {"attachments": [attachment]})


def test_the_empty_page_says_what_to_do(client: FlaskClient) -> None:
    """And that nothing leaves this machine, and how it would."""
    page = client.get("/").text

    assert "make chaos" in page
    assert "nothing leaves this machine" in page
    assert "SLACK_WEBHOOK_URL" in page


def test_a_message_is_shown_as_slack_shows_it(client: FlaskClient) -> None:
    """Name, badge, title with link, mrkdwn, fields, buttons, footer, colour."""
    client.post(WEBHOOK, json={
        "username": "Teal", "icon_emoji": ":vertical_traffic_light:",
        "attachments": [{
            "color": "danger", "title": "🚨 Failover", "title_link": "http://h/d", "ts": 1700000000,
            "text": "*blue* &amp; `500`", "footer": "teal · PoolFailover", "mrkdwn_in": ["text"],
            "fields": [{"title": "Since", "value": "*12:00*", "short": True}],
            "actions": [{"type": "button", "text": ":book: Runbook", "url": "http://h/r"}],
        }],
    })  # fmt: skip
    page = client.get("/").text

    for shown in ("<b>Teal</b>", ">APP<", "🚦", 'href="http://h/d" rel="noreferrer">🚨 Failover<',
                  "<b>blue</b> &amp; <code>500</code>", "Since", "*12:00*", "📖 Runbook</a>",
                  "teal · PoolFailover", 'fill="#e01e5a"', "22:13:20 UTC"):  # fmt: skip
        assert shown in page


@pytest.mark.parametrize("path", ["/", "/runbook", "/api/messages", "/nowhere"])
def test_every_answer_carries_a_policy_that_lets_nothing_run(
    client: FlaskClient, path: str
) -> None:
    """No inline script, no inline style, nothing from elsewhere."""
    policy = client.get(path).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_hostile_text_is_inert_wherever_it_stands(client: FlaskClient) -> None:
    """Every part of a payload is escaped."""
    button = {"type": "button", "text": HOSTILE, "url": f"http://h/{HOSTILE.replace(' ', '+')}",
              "style": HOSTILE}  # fmt: skip
    client.post(WEBHOOK, json={
        "text": HOSTILE, "username": HOSTILE, "icon_emoji": HOSTILE, "blocks": HOSTILE,
        "attachments": [{
            "color": f"#fff{HOSTILE}", "pretext": HOSTILE, "title": HOSTILE, "text": HOSTILE,
            "title_link": f"javascript:{HOSTILE}", "footer": HOSTILE, "ts": HOSTILE,
            "fields": [{"title": HOSTILE, "value": HOSTILE}], "actions": [button],
        }],
    })  # fmt: skip
    page = client.get("/").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "javascript:" not in page


def test_half_a_surrogate_pair_does_not_break_the_page(client: FlaskClient) -> None:
    """Valid JSON, but no valid UTF-8: one such message would else hide all others for good."""
    client.post(WEBHOOK, data=rb'{"text": "\ud800"}', content_type="application/json")

    assert client.get("/").status_code == 200


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["title", "value", "short", "text", "url"]), inner)
    ),
    max_leaves=6,
)
_PARTS = ["color", "pretext", "title", "title_link", "text", "fallback", "fields", "actions", "ts",
          "footer", "blocks", "mrkdwn_in"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    payload=st.fixed_dictionaries(
        {"text": st.just("t")},
        optional={
            "username": _JSON,
            "icon_emoji": _JSON,
            "attachments": st.lists(st.dictionaries(st.sampled_from(_PARTS), _JSON), max_size=2),
        },
    )
)
def test_whatever_is_taken_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory, payload: dict[str, Any]
) -> None:
    """No message that was answered `ok` breaks the page."""
    if slack.check(payload) != slack.OK:
        return
    inbox = create_app(Store(tmp_path_factory.mktemp("inbox") / "messages.jsonl")).test_client()

    assert inbox.post(WEBHOOK, json=payload).text == "ok"
    assert inbox.get("/").status_code == 200


def test_a_resolved_message_is_tied_to_all_it_ends() -> None:
    """Repeated firing messages of the same alert end together; others stand."""
    first, other, again, end = view.cards([
        message(1, "firing", footer="teal · A"),
        message(2, "firing", footer="teal · B"),
        message(3, "firing", footer="teal · A"),
        message(4, "resolved", footer="teal · A"),
    ])  # fmt: skip

    assert first.ended_by == again.ended_by
    assert first.ended_by is not None
    assert first.ended_by.id == end.id
    assert [ended.id for ended in end.ends] == [1, 3]
    assert other.ended_by is None
    assert first.lasted == "30 s"


def test_an_alert_that_fires_again_stands_again() -> None:
    """What was resolved before ends nothing that comes later."""
    cards = view.cards([
        message(1, "firing", footer="a"), message(2, "resolved", footer="a"),
        message(3, "firing", footer="a"), message(4, "resolved", footer="a"),
        message(5, "firing", footer="a"),
    ])  # fmt: skip

    assert [card.ended_by.id for card in cards if card.ended_by] == [2, 4]
    assert cards[4].ended_by is None


def test_without_a_footer_titles_are_compared() -> None:
    """`Resolved:` and the emoji before it are no part of the subject."""
    cards = view.cards([
        message(1, "firing", title="🚨 Failover: blue"),
        message(2, "resolved", title="✅ Resolved: Failover: blue"),
    ])  # fmt: skip

    assert cards[0].ended_by is not None


def test_a_resolved_message_sends_the_card_it_ends_anew() -> None:
    """An open page must show the change."""
    messages = [message(1, "firing", footer="a"), message(2, "firing", footer="b"),
                message(3, "resolved", footer="a")]  # fmt: skip

    assert [card.id for card in view.cards_touched_by(messages[2:], messages)] == [1, 3]


def test_the_runbook_has_anchors_as_github_makes_them(client: FlaskClient) -> None:
    """A message's button leads to #poolfailover."""
    page = client.get("/runbook").text

    assert 'id="poolfailover"' in page
    assert 'href="#silence-an-alert"' in page
    assert "&lt;b&gt;raw&lt;/b&gt;" in page
    assert 'href="javascript:' not in page


def test_without_a_runbook_the_page_says_so(tmp_path: Path) -> None:
    """One line that names the setting."""
    answer = create_app(Store(tmp_path / "messages.jsonl")).test_client().get("/runbook")

    assert answer.status_code == 404
    assert "RUNBOOK_FILE" in answer.text
