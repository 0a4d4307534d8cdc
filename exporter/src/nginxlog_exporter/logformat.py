"""Compiles the text of a `log_format` into one regular expression over a block of lines.

Only what is counted is captured. Fields of few values (labels) that stand side by side are
captured as one text, which is decoded once per distinct text and not once per line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from nginxlog_exporter.nginxconf import LogFormat, LogFormatError
from nginxlog_exporter.patterns import METHOD, free, typed

# Few distinct values: they say what a request is counted as.
LABELS = (
    "desired",
    "request_method",
    "status",
    "upstream_addr",
    "upstream_status",
    "upstream_http_x_release_id",
    "streaming",
)
# Summed, timed or compared; one column each.
NUMBERS = (
    "request_time",
    "upstream_response_time",
    "upstream_connect_time",
    "bytes_sent",
    "request_length",
    "msec",
)
# What may stand in for a variable that the format does not have.
STAND_INS = {"request_method": "request", "bytes_sent": "body_bytes_sent"}
REQUIRED = ("status", "request_method")

Row = tuple[bytes, ...]


class Token(NamedTuple):
    """A piece of the format: what it is called, the bytes it matches, the field it fills if any."""

    shown: str
    pattern: bytes
    field: str | None = None
    literal: bool = False


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """A compiled format. `line.findall(block)` yields rows; the rest says how to read a row."""

    # The format piece by piece, all of it, to tell where a line stops matching.
    tokens: tuple[Token, ...]
    line: re.Pattern[bytes]
    # The label texts of a row: hashable, and equal for rows that are counted alike.
    label_texts: Callable[[Row], bytes | Row]
    label_patterns: tuple[re.Pattern[bytes], ...]
    # Number field -> its place in a row.
    columns: dict[str, int]
    fields: frozenset[str]

    def decode(self, label_texts: bytes | Row) -> dict[str, str]:
        """Split what `label_texts` returned into fields; a variable the format lacks is missing."""
        texts = label_texts if isinstance(label_texts, tuple) else (label_texts,)
        decoded: dict[str, str] = {}
        for pattern, text in zip(self.label_patterns, texts, strict=True):
            if match := pattern.fullmatch(text):
                fields = match.groupdict()
                decoded |= {name: fields[name].decode("utf-8", "replace") for name in fields}
        return decoded


def compile_format(log_format: LogFormat) -> LineFormat:
    """Compile the format. Raises LogFormatError that names a needed variable if it is missing."""
    if "\n" in log_format.text:
        raise LogFormatError(f"log_format {log_format.name!r} writes several lines per request")
    tokens = _tokens(log_format)
    fields = frozenset(token.field for token in tokens if token.field)
    for name in REQUIRED:
        if name not in fields:
            instead = f" (or ${STAND_INS[name]})" if name in STAND_INS else ""
            raise LogFormatError(
                f"log_format {log_format.name!r} lacks ${name}{instead}, without which nothing can"
                " be counted; add it to the format"
            )
    parts = _parts(tokens)
    captured = [part for part in parts if part[0].field]
    label_places = [place for place, part in enumerate(captured) if part[0].field in LABELS]
    return LineFormat(
        tokens=tuple(tokens),
        line=_line(parts),
        label_texts=itemgetter(*label_places),
        label_patterns=tuple(_decoder(captured[place]) for place in label_places),
        columns={
            part[0].field: place
            for place, part in enumerate(captured)
            if part[0].field and place not in label_places
        },
        fields=fields,
    )


# Private

# Variables with nothing between them stay together: nobody can see where one of them ends.
_VARIABLES = re.compile(r"((?:\$\{\w+\}|\$\w+)+)", re.ASCII)


def _tokens(log_format: LogFormat) -> list[Token]:
    """Cut the text into literals and variables, each with the pattern of what nginx writes."""
    # literal, variables, literal, variables, ..., literal
    pieces = _VARIABLES.split(log_format.text)
    fields = _fields(log_format)
    tokens = [_literal(pieces[0])]
    for before, variables, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        # A variable that comes twice says the same twice: the first is enough.
        field = fields.pop(variables.strip("${}"), None)
        rest = free(before, after, log_format.escape)
        if field == "request_method" and variables.strip("${}") == "request":
            tokens += [Token(variables, METHOD, field), Token(variables, rest)]
        else:
            tokens.append(
                Token(variables, typed(field, before, after, log_format.escape) or rest, field)
            )
        tokens.append(_literal(after))
    return [token for token in tokens if token.pattern]


def _fields(log_format: LogFormat) -> dict[str, str]:
    """Return which variables of the format fill which fields."""
    names = re.findall(r"\$\{?(\w+)", log_format.text, re.ASCII)
    fields = {name: name for name in (*LABELS, *NUMBERS) if name in names}
    fields |= {other: name for name, other in STAND_INS.items() if name not in names}
    for run in _VARIABLES.findall(log_format.text):
        together = re.findall(r"\w+", run, re.ASCII)
        needed = [name for name in together if name in fields]
        if needed and len(together) > 1:
            raise LogFormatError(
                f"log_format {log_format.name!r}: ${needed[0]} stands in {run} with nothing between"
                " the variables, so its end cannot be found; put a space there"
            )
    return fields


def _literal(text: str) -> Token:
    return Token(repr(text), re.escape(text.encode()), literal=True)


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Group the tokens by what is captured together: labels with only a literal between them."""
    parts: list[list[Token]] = []
    for token in tokens:
        joins = token.field in LABELS and len(parts) > 1 and parts[-1][0].literal
        if joins and parts[-2][0].field in LABELS:
            between = parts.pop()
            parts[-1] += [*between, token]
        else:
            parts.append([token])
    return parts


def _line(parts: list[list[Token]]) -> re.Pattern[bytes]:
    """Return the expression of a line; behind the last field and its end, anything may stand."""
    last = max(place for place, part in enumerate(parts) if part[0].field)
    looked_at = b"".join(map(_capture, parts[: last + 2]))
    rest = rb"[^\n]*+" if len(parts) > last + 2 else b""
    # The empty group makes findall return tuples even where one group is all there is.
    return re.compile(b"^" + looked_at + rest + b"$()", re.MULTILINE)


def _capture(part: list[Token]) -> bytes:
    pattern = b"".join(token.pattern for token in part)
    return b"(" + pattern + b")" if part[0].field else pattern


def _decoder(part: list[Token]) -> re.Pattern[bytes]:
    # What follows the last label is cut off, and its pattern may look at it: take all there is.
    tokens = [*part[:-1], part[-1]._replace(pattern=rb"[^\n]*+")]
    named = (
        b"(?P<%b>%b)" % (token.field.encode(), token.pattern) if token.field else token.pattern
        for token in tokens
    )
    return re.compile(b"".join(named))
