"""What programs ask: the messages, their live stream, and trouble on demand."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, ServiceUnavailable

from inbox import view
from inbox.store import Message, Store
from inbox.trouble import Trouble
from serve import is_stopping

HEARTBEAT_SECONDS = 15.0
# How soon a stream notices that the server is to stop.
LOOK_SECONDS = 1.0
# Half of the server's threads.
MOST_STREAMS = 32


def blueprint(store: Store, trouble: Trouble) -> Blueprint:
    """Return the routes for programs."""
    api = Blueprint("api", __name__)
    streams = threading.BoundedSemaphore(MOST_STREAMS)

    @api.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return Response("ok\n", mimetype="text/plain")

    @api.get("/api/messages")
    def messages() -> ResponseReturnValue:
        since = _message_id(request.args.get("since", "0"))
        return jsonify(messages=[asdict(message) for message in store.after(since)])

    @api.delete("/api/messages")
    def clear() -> ResponseReturnValue:
        store.clear()
        return jsonify(messages=[])

    @api.get("/events")
    def events() -> ResponseReturnValue:
        last = request.headers.get("Last-Event-ID") or request.args.get("since", "0")
        stream = _events(current_app._get_current_object(), store, _message_id(last))  # type: ignore[attr-defined]  # noqa: SLF001 - a stream outlives its request
        if not streams.acquire(blocking=False):
            raise ServiceUnavailable(f"{MOST_STREAMS} pages are open already")
        response = Response(stream, mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.call_on_close(streams.release)
        return response

    @api.route("/api/trouble", methods=["GET", "POST", "DELETE"])
    def show_or_change_trouble() -> ResponseReturnValue:
        if request.method == "POST":
            _start(trouble)
        elif request.method == "DELETE":
            trouble.stop()
        kind, remaining = trouble.state()
        return jsonify(trouble=kind, remaining_seconds=round(remaining, 1))

    return api


# Private


def _message_id(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(f"since must be the id of a message, not {text[:40]!r}")
    return int(text)


def _start(trouble: Trouble) -> None:
    text = request.values.get("seconds", "60")
    try:
        trouble.start(request.values.get("status", ""), float(text))
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _events(app: Flask, store: Store, last: int) -> Iterator[str]:
    """Yield each new message as an event with the HTML of the cards that it adds or changes."""
    yield "retry: 2000\n\n"
    spoke_at = time.monotonic()
    while not is_stopping():
        new = store.wait_after(last, seconds=LOOK_SECONDS)
        if new:
            last = new[-1].id
            yield _event(app, new, store)
        elif time.monotonic() - spoke_at >= HEARTBEAT_SECONDS:
            yield ": still here\n\n"
        else:
            continue
        spoke_at = time.monotonic()


def _event(app: Flask, new: list[Message], store: Store) -> str:
    touched = view.cards_touched_by(new, store.after(0))
    with app.app_context():
        rendered = [
            {"id": card.id, "html": render_template("message.html", card=card)} for card in touched
        ]
    return f"id: {new[-1].id}\ndata: {json.dumps(rendered)}\n\n"
