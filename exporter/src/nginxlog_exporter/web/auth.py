"""HTTP basic authentication by bcrypt hashes: slow to guess, fast once known."""

import base64
import binascii
import hashlib
import re
import secrets
import threading
from collections.abc import Mapping

# As htpasswd -B writes it: version, cost, salt and hash.
HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
# bcrypt never looks at more of a password.
_LOOKED_AT_BYTES = 72


class Users:
    """Names and the hashes of their passwords."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        # Only used where a web configuration asks for it: not worth a slower start for all others.
        import bcrypt  # noqa: PLC0415

        self._check = bcrypt.checkpw
        self._hashes = {name.encode(): hashed.encode() for name, hashed in hashes.items()}
        # For names that do not exist: they must take as long as those that do.
        self._decoy = next(iter(self._hashes.values()))
        # Good passwords, told from each other by a digest that is of no use in another process.
        self._key = secrets.token_bytes(32)
        self._known: set[bytes] = set()
        # Who guesses has one processor at most.
        self._one_at_a_time = threading.Lock()

    def __len__(self) -> int:
        return len(self._hashes)

    def admit(self, authorization: str) -> bool:
        """Tell whether this value of the header Authorization is of a user, with the password."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        name, password = credentials
        hashed = self._hashes.get(name)
        digest = hashlib.blake2b(name + b":" + password, key=self._key).digest()
        if digest in self._known:
            return True
        with self._one_at_a_time:
            matches = self._check(password, hashed or self._decoy)
        if hashed is None or not matches:
            return False
        self._known.add(digest)
        return True


# Private


def _credentials(authorization: str) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (name, password[:_LOOKED_AT_BYTES]) if colon else None
