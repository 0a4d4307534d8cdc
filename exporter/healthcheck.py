"""The image's HEALTHCHECK: ends with 0 if the exporter answers that it is healthy."""  # noqa: INP001

import os
import ssl
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection

LIMIT_SECONDS = 3
EVERY_ADDRESS = ("0.0.0.0", "[::]")  # noqa: S104 - nothing listens here
# With NGINXLOG_WEB_CONFIG_FILE it may want a password first: it answers, that is all we can know.
FINE = (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)


def is_healthy(connection: HTTPConnection) -> bool:
    """Ask the exporter of this container."""
    try:
        connection.request("GET", "/-/healthy")
        return connection.getresponse().status in FINE
    except (OSError, HTTPException):
        return False


def main() -> int:
    """Ask without TLS, then with."""
    host, _, port = os.environ["NGINXLOG_LISTEN"].rpartition(":")
    host = "127.0.0.1" if host in EVERY_ADDRESS else host.strip("[]")
    # Its certificate is for other names than 127.0.0.1, and nothing secret is said.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connections = (
        HTTPConnection(host, int(port), timeout=LIMIT_SECONDS),
        HTTPSConnection(host, int(port), timeout=LIMIT_SECONDS, context=tls),
    )
    return 0 if any(map(is_healthy, connections)) else 1


if __name__ == "__main__":
    sys.exit(main())
