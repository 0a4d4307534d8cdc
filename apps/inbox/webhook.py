"""The webhook: takes a message as Slack does, and answers as Slack does, in plain text."""

from flask import Blueprint, Response, request

from inbox import slack
from inbox.store import Store
from inbox.trouble import Trouble

TOO_MANY_REQUESTS = 429


def blueprint(store: Store, trouble: Trouble) -> Blueprint:
    """Return the routes below /services."""
    webhook = Blueprint("webhook", __name__)

    @webhook.post("/services/<path:address>")
    def receive(address: str) -> Response:
        answer = trouble.answer() or _take(address, store)
        response = Response(answer.text, answer.status, mimetype="text/plain")
        if answer.status == TOO_MANY_REQUESTS:
            response.headers["Retry-After"] = "1"
        return response

    return webhook


# Private


def _take(address: str, store: Store) -> slack.Answer:
    if not slack.is_webhook(address):
        return slack.NO_SERVICE
    is_form = request.mimetype == "application/x-www-form-urlencoded"
    payload = slack.parse(request.form.get("payload", "") if is_form else request.get_data())
    if payload is None:
        return slack.INVALID_PAYLOAD
    answer = slack.check(payload)
    if answer == slack.OK:
        store.add(payload)
    return answer
