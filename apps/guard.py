"""Keeps web pages of other addresses away from what is ours, in both applications.

A browser on the operator's machine reaches 127.0.0.1 for every page that is open in it. It says
where a request comes from, in headers that no page can change; curl and programs send none of them.
"""

import re
from collections.abc import Collection

from flask import Request
from werkzeug.exceptions import Forbidden

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What changes nothing.
SAFE_METHODS = ("GET", "HEAD")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")


def refuse_web_pages(request: Request, hosts: Collection[str] = ()) -> None:
    """Raise Forbidden where a page of another address asks, or asks under another name.

    `hosts` are names that are ours, besides those of the machine itself; the port does not matter,
    because a tunnel may lead here.
    """
    asked = request.headers.get("Host", "").lower()
    name = _HOST.fullmatch(asked)
    # A name that was made to point here (DNS rebinding) makes its page one of this address.
    if name is None or name[1] not in (*LOOPBACK, *hosts):
        raise Forbidden(f"this address has another name than {asked[:80]!r}")
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() not in (f"http://{asked}", f"https://{asked}"):
        raise Forbidden("a web page of another address asks")
    came = request.headers.get("Sec-Fetch-Site", "none")
    # Another page's link may lead here, and be looked at.
    is_link = request.headers.get("Sec-Fetch-Mode") == "navigate" and (
        request.headers.get("Sec-Fetch-Dest", "document") == "document"
    )
    if came in ("none", "same-origin") or (is_link and request.method in SAFE_METHODS):
        return
    raise Forbidden("a web page of another address asks")
