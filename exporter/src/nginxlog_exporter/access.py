"""Who may look: the web configuration as it is now, and whether a request has the right password.

The file and its certificates may change while the exporter runs. One that cannot be used changes
nothing: the last good one stays, so that an edit never opens a door.
"""

import base64
import binascii
import hmac
import logging
import secrets
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

from nginxlog_exporter import webconfig
from nginxlog_exporter.webconfig import WebConfig, WebConfigError

log = logging.getLogger(__name__)

# Unknown users are held against this, so that they cost the same time as known ones.
_NOBODY = b"$2b$10$" + b"." * 53
# Answers that are remembered: bcrypt is slow on purpose, and Prometheus asks every second.
_MOST_KNOWN = 100
_Stamp = tuple[tuple[int, int, int] | None, ...]


class Access:
    """What the file says at this moment; without a file everybody may look, unencrypted."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file. Raises WebConfigError."""
        self._path = path
        self._config = webconfig.load(path) if path else WebConfig()
        self._stamp = _stamp(self._config.files)
        self._complaint = ""
        self._reading = threading.Lock()
        self._guessing = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, bool] = {}

    def tls(self) -> ssl.SSLContext | None:
        """Return how a new connection is encrypted, None if it is not."""
        return self._now().tls

    def headers(self) -> Mapping[str, str]:
        """Return what every answer has in addition."""
        return self._now().headers

    def allows(self, authorization: str | None) -> bool:
        """Tell whether a request with this `Authorization` header may be answered."""
        users = self._now().users
        if not users:
            return True
        scheme, _, encoded = (authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        hashed = users.get(user.decode("utf-8", "replace"))
        return bool(colon) and self._is_right(password, hashed or _NOBODY) and hashed is not None

    # Private

    def _now(self) -> WebConfig:
        if self._path is None:
            return self._config
        with self._reading:
            stamp = _stamp(self._config.files)
            if stamp != self._stamp or self._complaint:
                self._stamp = stamp
                self._read_again(self._path)
            return self._config

    def _read_again(self, path: Path) -> None:
        """Take over what the file says now. A wrong one is tried again, and told once."""
        try:
            self._config = webconfig.load(path)
        except WebConfigError as error:
            if str(error) != self._complaint:
                log.error("the web configuration stays as it was: %s", error)  # noqa: TRY400
            self._complaint = str(error)
        else:
            log.info("%s was read again", path)
            self._complaint = ""
            self._stamp = _stamp(self._config.files)

    def _is_right(self, password: bytes, hashed: bytes) -> bool:
        import bcrypt  # noqa: PLC0415 - only who has passwords needs it

        answer = hmac.digest(self._key, hashed + password, "sha256")
        known = self._known.get(answer)
        if known is not None:
            return known
        # One at a time, so that guessing cannot take all processors.
        with self._guessing:
            try:
                right = bcrypt.checkpw(password, hashed)
            except ValueError:  # longer than 72 bytes, or with a NUL
                right = False
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[answer] = right
        return right


def _stamp(files: tuple[Path, ...]) -> _Stamp:
    """Return what changes when one of the files does."""
    return tuple(map(_stamp_of, files))


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
