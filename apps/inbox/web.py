"""The inbox's routes: the webhook, an API for drills and tests, and the pages for people."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.anchors import anchors_plugin

from inbox import mrkdwn, slack
from inbox.store import Message, Store
from inbox.trouble import Trouble

LARGEST_PAYLOAD_BYTES = 1_000_000
HEARTBEAT_SECONDS = 15.0
# Nothing is loaded from elsewhere, and nothing in a message can run.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'"
)
# A colour goes into an attribute: names and #hex only.
NAMED_COLORS = {"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a"}


def create_app(store: Store, runbook: Path | None = None) -> Flask:
    """Return the inbox. `runbook` is a Markdown file that is shown at /runbook."""
    app = Flask("inbox", root_path=os.path.dirname(__file__))  # noqa: PTH120 - Flask wants a str
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_PAYLOAD_BYTES
    app.jinja_env.filters.update(
        mrkdwn=mrkdwn.render, plain=mrkdwn.plain, link=mrkdwn.link, color=_color, clock=_clock
    )
    _add_webhook(app, store)
    _add_api(app, store)
    _add_pages(app, store, runbook)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app


# Private


def _add_webhook(app: Flask, store: Store) -> None:
    trouble = Trouble()

    @app.post("/services/<path:address>")
    def webhook(address: str) -> ResponseReturnValue:
        answer = trouble.answer() or _take(address, store)
        response = Response(answer.text, answer.status, mimetype="text/plain")
        if answer.status == 429:  # noqa: PLR2004 - Too Many Requests
            response.headers["Retry-After"] = "1"
        return response

    @app.post("/api/trouble")
    def start_trouble() -> ResponseReturnValue:
        try:
            seconds = float(request.values.get("seconds", "60"))
            trouble.start(request.values.get("status", ""), seconds)
        except ValueError as error:
            return jsonify(error=str(error)), 400
        return jsonify(trouble=request.values["status"], seconds=seconds)

    @app.delete("/api/trouble")
    def stop_trouble() -> ResponseReturnValue:
        trouble.stop()
        return jsonify(trouble=None)


def _take(address: str, store: Store) -> slack.Answer:
    if len([part for part in address.split("/") if part]) != 3:  # noqa: PLR2004 - T…/B…/token
        return slack.Answer(404, "no_service")
    try:
        payload = json.loads(request.form.get("payload") or request.get_data())
    except (ValueError, UnicodeDecodeError):
        return slack.Answer(400, "invalid_payload")
    answer = slack.check(payload)
    if answer == slack.OK:
        store.add(payload)
    return answer


def _add_api(app: Flask, store: Store) -> None:
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/api/messages")
    def messages() -> ResponseReturnValue:
        since = request.args.get("since", 0, type=int)
        return jsonify(messages=[asdict(message) for message in store.after(since)])

    @app.delete("/api/messages")
    def clear() -> ResponseReturnValue:
        store.clear()
        return jsonify(messages=[])

    @app.get("/events")
    def events() -> ResponseReturnValue:
        last = request.headers.get("Last-Event-ID") or request.args.get("since", "0")
        if not last.isdigit():
            abort(400, "since must be the id of a message")
        return Response(_events(app, store, int(last)), mimetype="text/event-stream")


def _events(app: Flask, store: Store, last: int) -> Iterator[str]:
    """Yield each new message as an event that holds its HTML, and a heartbeat in quiet times."""
    yield ": connected\n\n"
    while True:
        new = store.wait_after(last, seconds=HEARTBEAT_SECONDS)
        for message in new:
            with app.app_context():
                html = render_template("message.html", message=message)
            lines = "".join(f"data: {line}\n" for line in html.splitlines())
            yield f"id: {message.id}\n{lines}\n"
            last = message.id
        if not new:
            yield ": still here\n\n"


def _add_pages(app: Flask, store: Store, runbook: Path | None) -> None:
    @app.get("/")
    def index() -> ResponseReturnValue:
        shown: list[Message] = store.after(0)
        last = shown[-1].id if shown else 0
        return render_template("index.html", messages=shown, last=last)

    @app.get("/runbook")
    def show_runbook() -> ResponseReturnValue:
        if runbook is None or not runbook.exists():
            abort(404, "no runbook is configured (RUNBOOK_FILE)")
        # js-default: raw HTML in the text stays text.
        markdown = MarkdownIt("js-default").use(anchors_plugin, max_level=3)
        # Anchors are headings in lower case with dashes, as GitHub makes them.
        html = Markup(markdown.render(runbook.read_text()))  # noqa: S704 - see above
        return render_template("runbook.html", html=html)


def _color(color: object) -> str:
    text = str(color or "")
    is_hex = text.startswith("#") and text[1:].isalnum()
    return NAMED_COLORS.get(text, text if is_hex else "#8d8d8d")


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
