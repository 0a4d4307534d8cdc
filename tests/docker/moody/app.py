"""An application whose release says how it does: `v1` is well, `crash` ends, and so on."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RELEASE = os.environ["RELEASE"]
MOOD = RELEASE.partition("-")[0]


class Answers(BaseHTTPRequestHandler):
    """Says who answers; dies at once when it is asked to stop, as many applications do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 75

    def do_GET(self):
        """Answer according to the mood."""
        is_health = self.path == "/healthz"
        status = 500 if MOOD == ("sick" if is_health else "lies") else 200
        body = f"{os.environ['POOL']} {RELEASE}\n".encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-App-Pool", os.environ["POOL"])
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        """Say nothing of requests."""


class Server(ThreadingHTTPServer):
    """As many connections may wait as the kernel allows."""

    request_queue_size = 1024


if MOOD == "crash":
    print("starting")
    sys.exit("boom: no database")
if MOOD == "writes":
    try:
        Path("/srv/cache").touch()
    except OSError as error:
        sys.exit(f"cannot write: {error}")
if MOOD == "slow":
    time.sleep(8)
host = "127.0.0.1" if MOOD == "deaf" else "0.0.0.0"  # noqa: S104
print("listening", flush=True)
Server((host, int(os.environ["PORT"])), Answers).serve_forever()
