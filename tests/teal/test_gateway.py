"""The gateway on a real nginx, before parts that only say what they were asked."""

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import asking
import pytest
from fix_stack import cannot_run, free_ports

from teal.settings import POOLS, load
from teal.stack import gateway, password, servers
from teal.stack.gateway import BEHIND, Place
from teal.stack.layout import Layout
from teal.wait import wait_for


class Part(BaseHTTPRequestHandler):
    """A part that lets every page read it, as Prometheus does."""

    asked: ClassVar = []

    def do_GET(self):
        """Answer, and remember who asked for what."""
        self.asked.append((self.command, self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - as the base class wants them

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def way_in(tmp_path_factory):
    """Return settings and layout of a gateway that runs."""
    program = servers.find("nginx")
    if program is None:
        cannot_run("no nginx: make up fetches it")
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "no.env").touch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Part)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names = [f"{part}_port".upper() for part in (*BEHIND, *POOLS)]
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    settings = load(
        {
            "TEAL_ENV_FILE": str(folder / "no.env"),
            "PROMETHEUS_URL": "https://prom.example.com/base",
            "RUNBOOK_URL": "https://git.example.com/runbook.md",
            **ports,
        }
    )
    layout = Layout(folder / "local")
    layout.secrets.mkdir(parents=True, mode=0o700)
    password.make(layout)
    here = f"127.0.0.1:{server.server_port}"
    place = Place(
        listen="0.0.0.0",  # noqa: S104 - a stranger must be able to ask
        run=str(layout.gateway),
        this_machine=("127.0.0.1",),
        parts=dict.fromkeys((*BEHIND, *POOLS), here),
        also={"prometheus": ("127.0.0.3", "gateway")},
    )
    gateway.render(settings, layout, place)
    conf = layout.gateway / "nginx.conf"
    process = subprocess.Popen([program, "-e", "stderr", "-p", layout.gateway, "-c", conf])
    wait_for(
        lambda: asking.answer({"host": "127.0.0.1", "port": settings.status_port}),
        what="nginx",
        seconds=20,
    )
    yield settings, layout
    process.terminate()
    process.wait(timeout=20)
    server.shutdown()
    shutil.rmtree(folder)


def _ask(way_in, part, method="GET", *, host="127.0.0.1", **headers):
    settings, _ = way_in
    port = getattr(settings, f"{part}_port")
    return asking.answer(
        {
            "host": host,
            "port": port,
            "method": method,
            "as": headers.pop("Host", f"127.0.0.1:{port}"),
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        }
    )


@pytest.mark.parametrize("part", [*BEHIND, *POOLS])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_program_on_this_machine_may_do_anything(way_in, part, method):
    """curl, amtool and the commands say nothing of pages."""
    assert 200 == _ask(way_in, part, method)


@pytest.mark.parametrize(
    "name", ["localhost", "localhost:19090", "[::1]:9090", "127.0.0.1", "LOCALHOST:1"]
)
def test_this_machine_has_several_names(way_in, name):
    """Also at the end of an SSH tunnel with another port."""
    assert 200 == _ask(way_in, "prometheus", Host=name)
    assert 200 == _ask(way_in, "prometheus", "POST", Host=name, Origin=f"http://{name.lower()}")


@pytest.mark.parametrize("part", [*BEHIND, *POOLS])
@pytest.mark.parametrize(
    "name", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:9090", "10.0.0.1", "x", ""]
)
def test_a_name_that_was_made_to_point_here_is_refused(way_in, part, name):
    """DNS rebinding: to the browser the page is then one of this address."""
    assert _ask(way_in, part, Host=name) in (400, 403)


@pytest.mark.parametrize("part", [*BEHIND, *POOLS])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "null", "http://127.0.0.1:1", "https://127.0.0.1", "http://localhost"],
)
def test_a_page_of_another_address_may_not_ask(way_in, part, method, origin):
    """Neither one on this machine, at another port."""
    assert 403 == _ask(way_in, part, method, Origin=origin)


@pytest.mark.parametrize(
    ("way", "method", "status"),
    [
        ("cross-site no-cors image", "GET", 403),
        ("same-site no-cors script", "GET", 403),
        ("cross-site navigate iframe", "GET", 403),
        ("cross-site navigate document", "POST", 403),
        # A link in a message.
        ("cross-site navigate document", "GET", 200),
        ("same-origin cors empty", "POST", 200),
        ("none navigate document", "GET", 200),
    ],
)
def test_another_page_may_lead_here_by_a_link_only(way_in, way, method, status):
    """By what the browser says of a request; no page can say otherwise."""
    site, mode, dest = way.split()
    said = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": dest}

    assert status == _ask(way_in, "alertmanager", method, **said)
    # The prober acts when it is looked at.
    prober = 403 if site == "cross-site" else status
    assert prober == _ask(way_in, "blackbox", method, **said)


@pytest.mark.parametrize("part", [*BEHIND, *POOLS])
def test_a_stranger_gets_no_answer(way_in, part):
    """Not even a refusal."""
    settings, _ = way_in
    port = getattr(settings, f"{part}_port")
    stranger = f"""
import socket
with socket.create_connection(("127.0.0.1", {port}), source_address=("127.0.0.9", 0)) as c:
    c.sendall(b"GET / HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
    assert c.recv(1) == b""
"""
    subprocess.run(["python3", "-c", stranger], check=True, timeout=20)


def test_the_operators_own_proxy_may_stand_in_front(way_in):
    """Whether it passes on its name or not, for the part whose address is set."""
    port = way_in[0].prometheus_port
    for name in ("prom.example.com", f"127.0.0.1:{port}"):
        asked = {"Host": name, "Origin": "https://prom.example.com"}
        assert 200 == _ask(way_in, "prometheus", "POST", **asked)
        assert 403 == _ask(way_in, "alertmanager", "POST", **asked)


def test_pages_beside_the_runbook_may_not_post(way_in):
    """It may lie at a code host."""
    assert 403 == _ask(way_in, "inbox", "POST", Origin="https://git.example.com")
    assert 200 == _ask(way_in, "inbox", Host="git.example.com")


def test_who_looks_at_no_header_is_told_the_password(way_in):
    """And nobody else."""
    _, layout = way_in
    for part in (*BEHIND, *POOLS):
        Part.asked.clear()
        _ask(way_in, part)
        (_, _, headers) = Part.asked[-1]
        wants = part in ("exporter", "blackbox", "prometheus", "alertmanager")
        said = password.authorization(layout) if wants else None
        assert said == headers.get("Authorization"), part


def test_no_page_is_allowed_to_read(way_in):
    """What parts allow to every page is taken out of their answers."""
    import requests  # noqa: PLC0415

    for part in (*BEHIND, *POOLS):
        answer = requests.get(way_in[0].url(part), timeout=5)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "SAMEORIGIN" == answer.headers["X-Frame-Options"]


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://prom.example.com/x", "prom.example.com", "https://prom.example.com"),
        ("http://PROM:9090", "prom", "http://prom:9090"),
        ("https://prom:443/", "prom", "https://prom"),
        ("http://[::1]:9090/", "[::1]", "http://[::1]:9090"),
    ],
)
def test_names_are_those_a_browser_would_say(url, host, origin):
    """Lower case, no port that goes without saying."""
    assert (host, origin) == gateway.names(url)


@pytest.mark.parametrize("url", ["", "https://", "http://a b/", 'http://x";}', "http://x:port/"])
def test_an_odd_address_adds_no_name(url):
    """Nothing of it gets into nginx's configuration."""
    assert gateway.names(url) is None
