"""The inbox itself, in the test's own process, as Alertmanager's Slack."""

import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from inbox.store import Store
from inbox.web import create_app


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        """Keep the test's output clean."""


class Inbox:
    """The inbox itself, in this process; `url` is where it listens."""

    def __init__(self, folder):
        self.app = create_app(Store(folder / "messages.jsonl"))
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def messages(self):
        """Return all messages: when they came, state, title and footer."""
        return self.app.test_client().get("/api/messages").json["messages"]

    def trouble(self, kind):
        """Have Slack a bad time until `calm()`."""
        answer = self.app.test_client().post(f"/api/trouble?status={kind}&seconds=600")
        assert answer.status_code == 200, answer.text

    def calm(self):
        """End the trouble."""
        self.app.test_client().delete("/api/trouble")

    def close(self):
        """Stop listening."""
        self.calm()
        self.server.shutdown()
