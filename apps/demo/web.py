"""The routes of the demo application. Every answer says which pool and which release gave it."""

import json
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from demo import control
from demo.chaos import Chaos
from demo.identity import Identity
from demo.parameters import number
from serve import crash as crash_server
from serve import is_stopping

LONGEST_SLOW_SECONDS = 30
LONGEST_STREAM_SECONDS = 300
LARGEST_BODY_BYTES = 16 * 1024 * 1024
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


def create_app(
    identity: Identity,
    *,
    chaos: Chaos | None = None,
    crash: Callable[[], None] = crash_server,
    control_from: str = "",
) -> Flask:
    """Make the application of one pool; `control_from` is the only address that may break it."""
    app = Flask("demo")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    control.install(app, chaos or Chaos(), crash=crash, peer=control_from)
    _add_identity(app, identity)
    _add_pages(app, identity)
    _add_trials(app, identity)
    app.register_error_handler(HTTPException, _as_json)
    return app


# Private


def _add_identity(app: Flask, identity: Identity) -> None:
    @app.after_request
    def sign(response: Response) -> Response:
        response.headers["X-App-Pool"] = identity.pool
        response.headers["X-Release-Id"] = identity.release
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _add_pages(app: Flask, identity: Identity) -> None:
    @app.get("/")
    def index() -> ResponseReturnValue:
        kinds = request.accept_mimetypes
        if kinds.best_match(["text/html", "application/json"]) == "application/json":
            return version()
        page = Response(render_template("index.html", identity=identity))
        page.headers["Content-Security-Policy"] = PAGE_POLICY
        page.headers["Cache-Control"] = "no-store"
        page.headers["Vary"] = "Accept"
        return page

    @app.get("/version")
    def version() -> Response:
        return jsonify(pool=identity.pool, release=identity.release)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")


def _add_trials(app: Flask, identity: Identity) -> None:
    """Add what tests and drills ask for: slow answers, streams, bodies."""

    @app.get("/slow")
    def slow() -> Response:
        seconds = number(request, "seconds", default=1, least=0, most=LONGEST_SLOW_SECONDS)
        time.sleep(seconds)
        return jsonify(pool=identity.pool, slept_seconds=seconds)

    @app.get("/stream")
    def stream() -> Response:
        seconds = number(request, "seconds", default=10, least=1, most=LONGEST_STREAM_SECONDS)
        events = Response(_ticks(identity, seconds), mimetype="text/event-stream")
        events.headers["Cache-Control"] = "no-store"
        return events

    @app.route("/echo", methods=METHODS)
    def echo() -> Response:
        return jsonify(
            pool=identity.pool, method=request.method, body_bytes=len(request.get_data())
        )


def _ticks(identity: Identity, seconds: float) -> Iterator[str]:
    """Yield one server-sent event a second; the last one comes after `seconds`."""
    end = time.monotonic() + seconds
    tick = 0
    while True:
        data = json.dumps({"tick": tick, "pool": identity.pool, "release": identity.release})
        yield f"event: tick\ndata: {data}\n\n"
        remaining = end - time.monotonic()
        if remaining <= 0 or is_stopping():
            return
        time.sleep(min(1.0, remaining))
        tick += 1


def _as_json(error: HTTPException) -> ResponseReturnValue:
    return jsonify(error=error.description), error.code or 500
