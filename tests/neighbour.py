"""Another machine beside this one: a network namespace that routes through it."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import asking
from fix_stack import cannot_run

LIMIT_SECONDS = 120
SERVE = """
import http.server
server = http.server.HTTPServer(("0.0.0.0", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Neighbour:
    """A machine with one cable to this one, by which it sends everything; a context manager."""

    def __init__(self):
        if os.getuid() != 0:
            cannot_run("a network namespace needs root")
        for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
            if shutil.which(program) is None:
                cannot_run(f"no {program}: apt-get install {package}")
        self.name = f"teal-{uuid.uuid4().hex[:6]}"
        number = uuid.uuid4().bytes
        net = f"10.250.{number[0]}.{number[1] & 0xFC}"
        base, _, last = net.rpartition(".")
        # Ours, and this machine's on the same cable.
        self.address, self.gateway = f"{base}.{int(last) + 2}", f"{base}.{int(last) + 1}"
        self._servers = []

    def __enter__(self):
        _run("ip", "netns", "add", self.name)
        try:
            peer = ("peer", "name", "eth0", "netns", self.name)
            _run("ip", "link", "add", self.name, "type", "veth", *peer)
            _run("ip", "addr", "add", f"{self.gateway}/30", "dev", self.name)
            _run("ip", "link", "set", self.name, "up")
            for command in (
                f"ip addr add {self.address}/30 dev eth0",
                "ip link set eth0 up",
                "ip link set lo up",
                f"ip route add default via {self.gateway}",
            ):
                _run(*self._inside(), *command.split())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.kill()
            server.wait()
        subprocess.run(["ip", "link", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def ask(self, questions):
        """Return the answers to questions as in `asking`, asked from there."""
        program = [*self._inside(), sys.executable, asking.__file__]
        return json.loads(_run(*program, text=json.dumps(questions)))

    def serve(self):
        """Serve HTTP there; return the port."""
        server = subprocess.Popen(
            [*self._inside(), sys.executable, "-c", SERVE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/var/empty" if Path("/var/empty").is_dir() else "/",
        )
        self._servers.append(server)
        return int(server.stdout.readline())

    def _inside(self):
        return ["nsenter", f"--net=/var/run/netns/{self.name}"]


def own_addresses():
    """Return every IPv4 address of this machine but loopback's."""
    links = json.loads(_run("ip", "-json", "-4", "addr"))
    found = [info["local"] for link in links for info in link["addr_info"]]
    return [address for address in found if not address.startswith("127.")]


def _run(*command, text=""):
    result = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
    )
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout
