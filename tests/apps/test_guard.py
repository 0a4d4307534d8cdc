"""Web pages of other addresses are kept away from both applications; programs are not."""

import pytest
from flask.testing import FlaskClient

from demo.identity import Identity
from demo.web import create_app as create_demo
from inbox.store import Store
from inbox.web import create_app as create_inbox

MESSAGE = {"text": "hello", "attachments": [{"title": "x"}]}
WEBHOOK = "/services/local/inbox/webhook"


@pytest.fixture
def demo() -> FlaskClient:
    """Return a pool."""
    return create_demo(Identity(pool="green", release="v7")).test_client()


@pytest.fixture
def inbox(tmp_path) -> FlaskClient:
    """Return an inbox that is also called `inbox`."""
    return create_inbox(Store(tmp_path / "messages.jsonl"), hosts=["inbox"]).test_client()


PAGES = [
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Host": "evil.test"},
    {"Host": "evil.test:8025", "Origin": "http://evil.test:8025", "Sec-Fetch-Site": "same-origin"},
    {"Host": "127.0.0.1.evil.test"},
    {"Host": ""},
]


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/chaos/start?mode=error"), ("POST", "/chaos/stop"), ("GET", "/chaos")],
)
def test_a_page_breaks_no_pool(demo, headers, method, path) -> None:
    """Nor does it read whether one is broken."""
    assert demo.open(path, method=method, headers=headers).status_code == 403
    assert demo.get("/chaos").json["mode"] is None


@pytest.mark.parametrize("headers", PAGES)
def test_a_page_is_served_by_a_pool_all_the_same(demo, headers) -> None:
    """The application is there for everybody; only what controls it is not."""
    assert demo.get("/version", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", WEBHOOK),
        ("DELETE", "/api/messages"),
        ("POST", "/api/trouble?status=500"),
        ("DELETE", "/api/trouble"),
        ("GET", "/api/messages"),
        ("GET", "/"),
        ("GET", "/events"),
    ],
)
def test_a_page_neither_reads_nor_writes_messages(inbox, headers, method, path) -> None:
    """What is there stays, and stays unread."""
    inbox.post(WEBHOOK, json=MESSAGE)

    answer = inbox.open(path, method=method, headers=headers, json=MESSAGE)

    assert answer.status_code == 403
    assert len(inbox.get("/api/messages").json["messages"]) == 1
    assert inbox.get("/api/trouble").json["trouble"] is None


def test_a_link_in_a_message_opens_the_runbook(inbox) -> None:
    """Slack's page is another one; its reader may go to a page of ours."""
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert inbox.get("/", headers=link).status_code == 200
    assert inbox.post(WEBHOOK, json=MESSAGE, headers=link).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost:18025", "[::1]:8025", "inbox:8025"])
def test_programs_and_its_own_page_may_post(inbox, host) -> None:
    """Alertmanager, curl through a tunnel, and a page of this very address."""
    for origin in ({}, {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}):
        answer = inbox.post(WEBHOOK, json=MESSAGE, headers={"Host": host, **origin})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/chaos/start?mode=error", "/chaos/stop"])
def test_looking_at_a_path_breaks_nothing(demo, path) -> None:
    """State is changed by POST only: an <img> is a GET."""
    assert demo.get(path).status_code == 405
    assert demo.get("/chaos").json["mode"] is None


def test_a_pool_is_controlled_from_one_address() -> None:
    """In containers that is nginx's, behind which the gateway looks who asks."""
    app = create_demo(Identity(pool="green", release="v7"), control_from="10.0.0.66")
    client = app.test_client()

    def start(address: str) -> int:
        return client.post(
            "/chaos/start?mode=latency", environ_base={"REMOTE_ADDR": address}
        ).status_code

    assert [403, 403, 200] == [start(a) for a in ("10.0.0.99", "127.0.0.1", "10.0.0.66")]
