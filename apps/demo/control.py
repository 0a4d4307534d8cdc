"""The paths under /chaos, and what a fault does to every other request."""

import logging
import socket
from collections.abc import Callable
from dataclasses import asdict

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import Forbidden

from demo.chaos import ANY_METHOD, HANG_SECONDS, METHODS, MODES, Chaos, Fault, State, Strike
from demo.parameters import choice, number
from guard import refuse_web_pages

# The front door marks every request it passes on.
FRONT_HEADER = "X-Teal-Front"

LONGEST_FAULT_SECONDS = 600
LONGEST_DELAY_MS = 10_000

# Whoever looks into the pool's log at 3 a.m. finds that it was a drill.
log = logging.getLogger("gunicorn.error")


def install(app: Flask, chaos: Chaos, *, crash: Callable[[], None], peer: str = "") -> None:
    """Add the control paths, and let faults strike all others.

    `peer` is the only address from which faults are controlled; empty: from any.
    """
    app.register_blueprint(_control(chaos, crash, peer))

    @app.before_request
    def strike() -> Response | None:
        if _is_control(request.path):
            return None
        struck = chaos.strike(request.method)
        return _suffer(struck, chaos) if struck else None


# Private


def _is_control(path: str) -> bool:
    return path == "/chaos" or path.startswith("/chaos/")


def _control(chaos: Chaos, crash: Callable[[], None], peer: str) -> Blueprint:
    control = Blueprint("chaos", __name__, url_prefix="/chaos")

    # The front door refuses these paths already; this is the second lock.
    @control.before_request
    def refuse_strangers() -> None:
        if FRONT_HEADER in request.headers:
            raise Forbidden("chaos is controlled on the pool's own port, not through nginx")
        if peer and request.remote_addr != peer:
            raise Forbidden("chaos is controlled by this machine, not from the pool's network")
        refuse_web_pages(request)

    @control.get("")
    def show() -> Response:
        return _told(chaos.state())

    @control.post("/start")
    def start() -> Response:
        fault = Fault(
            mode=choice(request, "mode", allowed=MODES),
            rate=number(request, "rate", default=1, least=0, most=1),
            seconds=number(request, "seconds", default=60, least=1, most=LONGEST_FAULT_SECONDS),
            ms=number(request, "ms", default=500, least=1, most=LONGEST_DELAY_MS),
            method=choice(request, "method", allowed=METHODS, default=ANY_METHOD),
        )
        answer = _told(chaos.start(fault))
        log.warning("chaos begins: %s", fault)
        if fault.mode == "crash":
            # Said first, then done: whoever asked knows that it was understood.
            answer.call_on_close(crash)
        return answer

    @control.post("/stop")
    def stop() -> Response:
        log.warning("chaos is stopped")
        return _told(chaos.stop())

    return control


def _told(state: State) -> Response:
    return jsonify(asdict(state))


def _suffer(strike: Strike, chaos: Chaos) -> Response | None:
    """Return the answer of a request that was struck; None: it is answered as ever."""
    match strike.fault.mode:
        case "error":
            return Response("chaos: error\n", status=500, mimetype="text/plain")
        case "timeout":
            chaos.wait(strike, HANG_SECONDS)
            return Response("chaos: timeout\n", status=504, mimetype="text/plain")
        case "latency":
            chaos.wait(strike, strike.fault.ms / 1000)
            return None
        case _:
            return _hang_up()


def _hang_up() -> Response:
    """Close the connection; what is returned finds nobody to read it."""
    connection = request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
