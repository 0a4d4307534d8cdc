"""Ask many addresses at once, from wherever this is run: in a container, in another network.

Only the standard library, and the whole text fits into `python -c`. Reads a JSON list of questions
from standard input, prints a JSON list of answers: the status, or 0 where nothing was answered.
"""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

LIMIT_SECONDS = 3


def answer(question):
    """Return the status of one answer; 0 where there is none, whatever the reason."""
    host, port = question["host"], question["port"]
    body = question.get("body", "").encode()
    lines = [
        f"{question.get('method', 'GET')} {question.get('path', '/')} HTTP/1.1",
        # Who is on the machine itself would say so.
        f"Host: {question.get('as', f'127.0.0.1:{port}')}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in question.get("headers", {}).items()),
        *([f"Content-Length: {len(body)}"] if body else []),
    ]
    try:
        with socket.create_connection((host, port), timeout=LIMIT_SECONDS) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            said = connection.makefile("rb").readline()
    except OSError:
        return 0
    return int(said.split()[1]) if said.startswith(b"HTTP/") else 0


if __name__ == "__main__":
    with ThreadPoolExecutor(64) as pool:
        print(json.dumps(list(pool.map(answer, json.load(sys.stdin)))))
