"""The statuses that are shown as they are: HTTP's and nginx's own; all others are `other`.

https://www.iana.org/assignments/http-status-codes, and what nginx logs for what no client gets.
"""

_HTTP = (
    *range(100, 105),
    *range(200, 209),
    226,
    *range(300, 309),
    *range(400, 419),
    *range(421, 427),
    428,
    429,
    431,
    451,
    *range(500, 509),
    510,
    511,
)
# Closed without an answer; a header too large, certificates, plain HTTP to TLS, client closed.
_NGINX = (444, *range(494, 500))
STATUSES = frozenset(map(str, (*_HTTP, *_NGINX)))
