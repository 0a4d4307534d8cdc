"""An application with one habit, named by its argument, of images that were not made for Teal.

It runs inside a container, so it uses the standard library only.
"""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HOME_OF_ITS_OWN = ".cache/shop"
SLOW_SECONDS = 12
SHARED_MEMORY = 100 << 20


class _Answer(http.server.BaseHTTPRequestHandler):
    health = "/healthz"

    def do_GET(self):
        self.send_response(404 if self.path == "/healthz" != self.health else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"mine\n")

    def log_message(self, *_):
        pass


def serve(host="0.0.0.0", port=None):  # noqa: S104 - in a container
    """Answer every GET with 200 for ever."""
    _Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    _Server((host, port or int(os.environ["PORT"])), _Answer).serve_forever()


class _Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


def needs_nothing():
    """Serve at $PORT."""
    serve()


def has_a_fixed_port():
    """Serve at 3000, whatever $PORT says."""
    serve(port=3000)


def binds_port_80():
    """Serve at 80, which took root once."""
    serve(port=80)


def writes_beside_its_code():
    """Write into the folder of the image that holds the program."""
    Path("/app/cache").mkdir(exist_ok=True)
    Path("/app/cache/page").write_text("rendered")
    serve()


def ignores_sigterm():
    """Do not stop when asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve()


def starts_slowly():
    """Serve only after a while."""
    time.sleep(SLOW_SECONDS)
    serve()


def needs_shared_memory():
    """Use more of /dev/shm than containers have by default."""
    with open("/dev/shm/cache", "wb") as file:  # noqa: PTH123, S108
        file.write(bytes(SHARED_MEMORY))
    serve()


def logs_to_a_file():
    """Write a log of its own."""
    with open("/var/log/shop/shop.log", "a") as file:  # noqa: PTH123
        file.write("started\n")
    serve()


def listens_on_localhost():
    """Serve nobody outside of the container, unless told."""
    serve(os.environ.get("HOST", "127.0.0.1"))


def listens_on_ipv6():
    """Serve IPv6 only, unless told."""
    serve(os.environ.get("HOST", "::"))


def writes_to_its_home():
    """Keep a cache in the home folder."""
    Path.home().joinpath(HOME_OF_ITS_OWN).mkdir(parents=True, exist_ok=True)
    serve()


def exits_at_once():
    """Do one thing and be content."""
    print("migrated 3 tables")


def needs_a_variable():
    """Refuse to start without its database."""
    print("database at", os.environ["DATABASE_URL"])
    serve()


def insists_on_pid_1():
    """Do as s6-overlay does."""
    if os.getpid() != 1:
        sys.exit("s6-overlay-suexec: fatal: can only run as pid 1")
    serve()


def runs_from_tmp():
    """Unpack a program and run it, as Java's libraries do."""
    program = shutil.copy("/bin/true", "/tmp/unpacked")  # noqa: S108
    subprocess.run([program], check=True)
    serve()


def needs_memory():
    """Hold more than the default limit."""
    held = bytearray(600 << 20)
    for i in range(0, len(held), 4096):
        held[i] = 1
    serve()


def has_its_health_elsewhere():
    """Know no /healthz."""
    _Answer.health = "/"
    serve()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
