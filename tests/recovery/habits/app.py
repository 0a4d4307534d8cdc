"""A pool with a habit, the standard library only: HABIT names it, PORT says where to listen.

plain    answers everything with 200
lying    its health check says 200, everything else is 500
sick     it says 503 for ever, to everybody
hasty    closes a connection that was idle for a second
/bytes?N answers with N bytes, whatever the habit.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HABIT = os.environ["HABIT"]
HEALTH = "/healthz"
BLOCK = b"x" * 65536
IDLE_SECONDS = {"hasty": 1}


class Handler(BaseHTTPRequestHandler):
    """Answers, and keeps the connection as long as the habit says."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS.get(HABIT, 75)
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        """Answer."""
        address = urlsplit(self.path)
        if address.path.endswith("/bytes"):
            self._send_bytes(int(address.query))
        else:
            self._answer()

    def do_POST(self):
        """Read the body, then answer."""
        left = int(self.headers.get("Content-Length", 0))
        while left:
            left -= len(self.rfile.read(min(left, len(BLOCK))))
        self._answer()

    def log_message(self, *_):
        """Say nothing: nginx writes the log."""

    def _answer(self):
        is_health = self.path == HEALTH
        status = 200
        if HABIT == "lying" and not is_health:
            status = 500
        elif HABIT == "sick":
            status = 503
            if is_health:
                print("the database does not answer", file=sys.stderr)
        self.send_response(status)
        self.send_header("X-App-Pool", os.environ.get("POOL", ""))
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def _send_bytes(self, count):
        self.send_response(200)
        self.send_header("X-App-Pool", os.environ.get("POOL", ""))
        self.send_header("Content-Length", str(count))
        self.end_headers()
        while count > 0:
            self.wfile.write(BLOCK[: min(count, len(BLOCK))])
            count -= len(BLOCK)


class Server(ThreadingHTTPServer):
    """With room for a burst of connections."""

    request_queue_size = 512
    daemon_threads = True


def stop(*_):
    """End at once; this stand-in has nothing to finish."""
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()  # noqa: S104 - a container
