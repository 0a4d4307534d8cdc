"""Single lines -> fields by nginx's names, for people and commands; what is counted goes by parser.

Every variable of the format is decoded, line by line: far too slow to count with.
"""

import re
from pathlib import Path

from nginxlog_exporter.parse.log_format import Token, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormat, choose, log_formats
from nginxlog_exporter.parse.patterns import Pattern


class LineReader:
    """Reads lines of one `log_format`. Raises LogFormatError if the exporter would refuse it."""

    def __init__(self, log_format: LogFormat) -> None:
        tokens = compile_format(log_format).tokens
        self._line = re.compile(b"".join(map(_named, _without_repeats(tokens))))

    @classmethod
    def of_file(cls, path: Path, name: str | None = None) -> "LineReader":
        """Return the reader for a `log_format` of an nginx configuration; its only one by default.

        Raises OSError or LogFormatError.
        """
        return cls(choose(log_formats(path.read_text(encoding="utf-8")), name))

    def fields(self, line: bytes) -> dict[str, str] | None:
        r"""Return the text of each variable as it is in the line, None if the line does not match.

        Names are nginx's, without `$`. Variables with nothing between them are left out. `\xHH`
        stays escaped; absent is `-` or empty, see `values.present`; lists are for
        `values.split_list`.
        """
        match = self._line.fullmatch(line.rstrip(b"\r\n"))
        if match is None:
            return None
        return {name: text.decode("utf-8", "replace") for name, text in match.groupdict().items()}


# Private


def _without_repeats(tokens: tuple[Token, ...]) -> list[Token]:
    """Join what $request was cut into, and have no name for a variable that comes again."""
    joined: list[Token] = []
    for token in tokens:
        if joined and not token.literal and joined[-1].shown == token.shown:
            exact = joined[-1].pattern.exact + token.pattern.exact
            joined[-1] = token._replace(pattern=Pattern.of(exact))
        else:
            joined.append(token)
    seen = set[str]()
    for index, token in enumerate(joined):
        if not token.literal and token.shown in seen:
            joined[index] = token._replace(literal=True)
        seen.add(token.shown)
    return joined


def _named(token: Token) -> bytes:
    name = token.shown.strip("${}")
    if token.literal or not name.isidentifier():
        return b"(?:%b)" % token.pattern.exact
    return b"(?P<%b>%b)" % (name.encode(), token.pattern.exact)
