"""The password of Prometheus, Alertmanager, the prober and the exporter: random, made once.

A person never types it: the gateway adds it to what this machine asks, and Prometheus knows it. It
keeps out who reaches these programs another way: a web page in a browser on this machine (none of
them looks at `Origin` or `Host`), or a neighbour in a container's network.
"""

import base64
import json
import secrets

import bcrypt

from teal.stack.layout import Layout, write

USER = "teal"
# The least there is. Slowness keeps people's passwords from being guessed; this one has 192 bits.
_ROUNDS = 4


def make(layout: Layout) -> bool:
    """Write the password and what programs check it with, unless both are there and fit.

    Return whether the password is a new one. Prometheus goes on saying the old one until it is
    started anew; all others notice by themselves.
    """
    # In containers only the programs that need these files are given them, under other users: the
    # files are readable, the folder above is not.
    layout.web.mkdir(parents=True, exist_ok=True)
    layout.web.chmod(0o755)
    is_new = not layout.password.exists()
    if is_new:
        write(layout.password, secrets.token_urlsafe(24), mode=0o444)
    if not _fits(layout):
        hashed = bcrypt.hashpw(layout.password.read_bytes(), bcrypt.gensalt(_ROUNDS))
        users = {"basic_auth_users": {USER: hashed.decode()}}
        # JSON is YAML.
        write(layout.web_config, json.dumps(users) + "\n", mode=0o444)
    return is_new


def authorization(layout: Layout) -> str:
    """Return the value of the header that says the password."""
    return "Basic " + base64.b64encode(f"{USER}:{layout.password.read_text()}".encode()).decode()


# Private


def _fits(layout: Layout) -> bool:
    try:
        hashed = json.loads(layout.web_config.read_text())["basic_auth_users"][USER]
        return bcrypt.checkpw(layout.password.read_bytes(), hashed.encode())
    except (OSError, ValueError, KeyError, TypeError):
        return False
