"""The inbox put together: what each part answers, and what every answer says to the browser."""

from collections.abc import Collection
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from guard import refuse_web_pages
from inbox import api, mrkdwn, pages, webhook
from inbox.store import Store
from inbox.trouble import Trouble

LARGEST_PAYLOAD_BYTES = 1_000_000
# Nothing is loaded from elsewhere, and nothing in a message can run.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(store: Store, *, runbook: Path | None = None, hosts: Collection[str] = ()) -> Flask:
    """Make the inbox. `runbook` is a Markdown file that is shown at /runbook.

    `hosts` are names it answers to, besides those of this machine itself.
    """
    app = Flask("inbox")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_PAYLOAD_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_PAYLOAD_BYTES
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.add_template_filter(mrkdwn.render, "mrkdwn")
    app.add_template_filter(mrkdwn.plain, "plain")
    trouble = Trouble()
    app.register_blueprint(webhook.blueprint(store, trouble))
    app.register_blueprint(api.blueprint(store, trouble))
    app.register_blueprint(pages.blueprint(store, runbook))
    app.register_error_handler(HTTPException, _explain)

    @app.before_request
    def refuse_strangers() -> None:
        refuse_web_pages(request, hosts)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app


# Private


def _explain(error: HTTPException) -> ResponseReturnValue:
    """Answer a mistake in the form its sender reads: plain text as Slack, JSON, or a page."""
    status = error.code or 500
    if request.path.startswith("/services"):
        word = error.name.lower().replace(" ", "_")
        return Response(word, status, mimetype="text/plain")
    if request.path.startswith(("/api/", "/events")):
        return jsonify(error=error.description), status
    return render_template("error.html", error=error), status
