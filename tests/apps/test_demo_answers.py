"""What the demo application answers, without a server."""

import pytest
from flask.testing import FlaskClient

from demo.chaos import MODES, Chaos
from demo.identity import Identity, identity_from
from demo.web import create_app
from serve import address


@pytest.fixture
def crashes() -> list[str]:
    """Collect the crashes that were asked for."""
    return []


@pytest.fixture
def client(crashes: list[str]) -> FlaskClient:
    """Give a client of a green pool, release v7."""
    app = create_app(
        Identity(pool="green", release="v7"), chaos=Chaos(), crash=lambda: crashes.append("!")
    )
    return app.test_client()


@pytest.mark.parametrize(
    "path",
    ["/", "/version", "/healthz", "/echo", "/slow?seconds=0", "/stream?seconds=1", "/chaos",
     "/nowhere", "/slow?seconds=x", "/static/style.css"],
)  # fmt: skip
def test_every_answer_says_pool_and_release(client: FlaskClient, path: str) -> None:
    """Also an error's; the exporter and the operator rely on it."""
    answer = client.get(path)

    assert answer.headers["X-App-Pool"] == "green"
    assert answer.headers["X-Release-Id"] == "v7"


def test_an_error_of_chaos_says_pool_and_release_too(client: FlaskClient) -> None:
    """A struck request is logged with the release that failed it."""
    client.post("/chaos/start?mode=error")

    answer = client.get("/")

    assert answer.status_code == 500
    assert answer.headers["X-Release-Id"] == "v7"


def test_the_front_page_is_a_page_or_json_as_the_client_likes(client: FlaskClient) -> None:
    """A browser sees the pool's colour, a program reads JSON."""
    page = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    data = client.get("/", headers={"Accept": "application/json"})

    assert '<body class="green">' in page.text
    assert "script" not in page.headers["Content-Security-Policy"]
    assert data.json == {"pool": "green", "release": "v7"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_echo_tells_method_and_body_length(client: FlaskClient, method: str) -> None:
    """What tests of retried and unretried methods read."""
    answer = client.open("/echo", method=method, data=b"12345")

    assert answer.json == {"pool": "green", "method": method, "body_bytes": 5}


@pytest.mark.parametrize("path", ["/", "/healthz", "/version", "/echo", "/nowhere", "/chaosx"])
def test_a_fault_strikes_every_path_but_the_control_paths(client: FlaskClient, path: str) -> None:
    """The health check fails with the rest, or nobody would notice."""
    client.post("/chaos/start?mode=error")

    assert client.get(path).status_code == 500
    assert client.get("/chaos").json["requests_affected"] == 1
    assert client.post("/chaos/stop").json["mode"] is None
    assert client.get("/healthz").status_code == 200


def test_latency_answers_as_ever_but_later(client: FlaskClient) -> None:
    """The answer itself is the ordinary one."""
    client.post("/chaos/start?mode=latency&ms=20")

    assert client.get("/version").json == {"pool": "green", "release": "v7"}


def test_timeout_answers_504_once_the_fault_is_over(client: FlaskClient) -> None:
    """The hang is bounded by the fault's own time."""
    client.post("/chaos/start?mode=timeout&seconds=1")

    assert client.get("/version").status_code == 504


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", ", ".join(MODES)),
        ("mode=fire", ", ".join(MODES)),
        ("mode=error&method=HEAD", "method must be one of any, GET, POST"),
        ("mode=error&rate=1.1", "rate must be a number from 0 to 1"),
        ("mode=error&rate=nan", "rate must be a number from 0 to 1"),
        ("mode=error&seconds=0", "seconds must be a number from 1 to 600"),
        ("mode=error&seconds=601", "seconds must be a number from 1 to 600"),
        ("mode=latency&ms=soon", "ms must be a number from 1 to"),
    ],
)
def test_a_wrong_fault_is_400_and_names_what_is_allowed(
    client: FlaskClient, query: str, named: str
) -> None:
    """Nothing is switched on by a typing error."""
    answer = client.post(f"/chaos/start?{query}")

    assert answer.status_code == 400
    assert named in answer.json["error"]
    assert client.get("/chaos").json["mode"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/chaos"), ("POST", "/chaos/start?mode=crash"), ("POST", "/chaos/stop")],
)
def test_control_paths_refuse_what_came_through_the_front_door(
    client: FlaskClient, crashes: list[str], method: str, path: str
) -> None:
    """The second lock, should nginx ever pass such a path on."""
    answer = client.open(path, method=method, headers={"X-Teal-Front": "1"})

    assert answer.status_code == 403
    assert crashes == []


def test_crash_is_said_before_it_is_done(client: FlaskClient, crashes: list[str]) -> None:
    """Whoever asks for a crash gets an answer first."""
    answer = client.post("/chaos/start?mode=crash")

    assert answer.json["mode"] == "crash"
    answer.close()
    assert crashes == ["!"]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"RELEASE": "v1"}, "POOL"),
        ({"POOL": "red", "RELEASE": "v1"}, "POOL"),
        ({"POOL": "blue"}, "RELEASE"),
        ({"POOL": "blue", "RELEASE": "v1\r\nX: y"}, "RELEASE"),
    ],
)
def test_a_wrong_identity_names_the_variable(environment: dict[str, str], named: str) -> None:
    """One clear line that says what to do."""
    with pytest.raises(ValueError, match=f"^{named} must be"):
        identity_from(environment)


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "\u00b2"])
def test_a_wrong_port_is_named(port: str) -> None:
    """A missing one is wrong as well."""
    with pytest.raises(ValueError, match=r"^PORT must be a port"):
        address({"PORT": port})
