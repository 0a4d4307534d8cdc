"""Strict YAML: every key is known and every value is of its type, or the file is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class WebConfigError(Exception):
    """The file is wrong; the text says where, and what would be right."""


def read(path: Path) -> Any:  # noqa: ANN401 - checked by who asks
    """Return what the file holds. Raises WebConfigError."""
    # Only used where a web configuration is set: not worth a slower start for all others.
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """Refuses a key that is there twice, of which YAML would take the last one."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise WebConfigError(f"{key} is there twice")
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(path.read_bytes(), Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise WebConfigError(f"it cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise WebConfigError(f"it is not YAML: {error}") from error


def mapping(value: object, where: str, known: Mapping[str, type]) -> dict[str, Any]:
    """Return it, a mapping of known keys with values of their kinds. Raises WebConfigError."""
    # Not even the whole file: one that somebody forgot to fill would protect nothing.
    if not isinstance(value, dict) or not value:
        raise WebConfigError(
            f"{where or 'it'} must be {_KINDS[dict]} of some of {', '.join(known)}"
        )
    for key, one in value.items():
        name = f"{where}: {key}" if where else key
        if key in _NOT_HERE:
            raise WebConfigError(f"{name} is not supported; {_NOT_HERE[key]}")
        if key not in known:
            raise WebConfigError(f"{name} is unknown; it must be one of {', '.join(known)}")
        if not isinstance(one, known[key]):
            raise WebConfigError(f"{name} must be {_KINDS[known[key]]}")
    return value


# Private

# Exporters written in Go have these; the reason, or what to do instead.
_NOT_HERE = {
    "cert": "name a file in cert_file",
    "key": "name a file in key_file",
    "client_ca": "name a file in client_ca_file",
    "client_allowed_sans": "give the clients that may come a CA of their own",
    "curve_preferences": "the curves are those of OpenSSL",
    "rate_limit": "the number of connections is limited, not their requests",
}
_KINDS = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false"}
