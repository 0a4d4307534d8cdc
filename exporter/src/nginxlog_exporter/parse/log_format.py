"""Compiles the text of a `log_format` into regular expressions over a block of lines.

Only what is counted is captured. Fields that stand side by side and are counted alike (labels,
durations) are captured as one text, which is decoded once per distinct text and not once per line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from nginxlog_exporter.parse.nginx_conf import LogFormat, LogFormatError
from nginxlog_exporter.parse.patterns import METHOD, REST_OF_LINE, Pattern, free, is_quoted, typed
from nginxlog_exporter.parse.records import Row, Texts
from nginxlog_exporter.parse.variables import COUNTS, SAFE, SECONDS, is_header, is_list

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
# Milliseconds that repeat.
TIMES = ("request_time", "upstream_response_time", "upstream_connect_time")
# Summed or compared; one column each.
NUMBERS = ("bytes_sent", "request_length", "msec")
# Captured only where they are asked for, because they vary most.
URI, REQUEST_ID = "request_uri", "request_id"
# Variables that serve where the format lacks one. $uri is what a rewrite made of the URI.
SUBSTITUTES = {"request_method": "request", "bytes_sent": "body_bytes_sent"}
URI_SUBSTITUTES = ("uri", "document_uri")
REQUIRED = ("status", "request_method")


class Token(NamedTuple):
    """A piece of the format: what it is called, what it matches, the field it fills if any."""

    shown: str
    pattern: Pattern
    field: str | None = None
    literal: bool = False

    @property
    def kind(self) -> str | None:
        """What its field is counted as, None if it fills none."""
        if self.field is None:
            return None
        return "label" if self.field in LABELS else "time" if self.field in TIMES else self.field


@dataclass(frozen=True)
class Captures:
    """Where in a row the texts of one kind (labels or durations) are, and how to decode them.

    `indexes[i]` is an index of a row; `patterns[i]` has a named group for each field in its text.
    """

    indexes: tuple[int, ...]
    patterns: tuple[re.Pattern[bytes], ...]

    @property
    def of(self) -> Callable[[Row], Texts]:
        """The function that takes the texts out of a row."""
        return itemgetter(*self.indexes) if self.indexes else lambda _: b""

    @property
    def nothing(self) -> Texts:
        """The texts of a row in which all are empty."""
        return (b"",) * len(self.indexes) if len(self.indexes) > 1 else b""

    def decode(self, texts: Texts) -> dict[str, str]:
        """Split the texts into fields by name; a variable the format lacks is missing."""
        parts = texts if isinstance(texts, tuple) else (texts,)
        decoded: dict[str, str] = {}
        for pattern, text in zip(self.patterns, parts, strict=False):
            if match := pattern.fullmatch(text):
                fields = match.groupdict()
                decoded |= {name: fields[name].decode("utf-8", "replace") for name in fields}
        return decoded


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """A compiled format. `exact.fullmatch(line).groups()` is a row.

    So is each item of `quick.findall(block)`, a last text left aside, with two exceptions of which
    `exact` has to decide: a row whose texts are all empty stands for a line that did not match, and
    several lines may be taken for one. The latter shows by a newline in a label text or, if the
    format `skips` texts that are not captured, by fewer rows than lines.
    """

    # The format piece by piece, all of it, to tell where a line stops matching.
    tokens: tuple[Token, ...]
    exact: re.Pattern[bytes]
    quick: re.Pattern[bytes]
    skips: bool
    labels: Captures
    times: Captures
    # Field that is captured alone (a number, the URI) -> its index in a row.
    columns: dict[str, int]
    fields: frozenset[str]


def compile_format(log_format: LogFormat, *, extra: Sequence[str] = ()) -> LineFormat:
    """Compile the format, with `URI` or `REQUEST_ID` captured as well if they are asked for.

    Raises LogFormatError that names a needed variable if it is missing.
    """
    if "\n" in log_format.text:
        raise LogFormatError(f"log_format {log_format.name!r} writes several lines per request")
    tokens = _tokens(log_format, extra)
    fields = frozenset(token.field for token in tokens if token.field)
    for name in (*REQUIRED, *extra):
        if name not in fields:
            instead = f" (or ${SUBSTITUTES[name]})" if name in SUBSTITUTES else ""
            raise LogFormatError(
                f"log_format {log_format.name!r} lacks ${name}{instead}, without which"
                f" {'no route' if name == URI else 'nothing'} can be counted; add it to the format"
            )
    parts = _parts(tokens)
    captured = [part for part in parts if part[0].field]
    return LineFormat(
        tokens=tuple(tokens),
        exact=_exact(parts),
        quick=_quick(parts),
        skips=any(
            t.pattern.quick != t.pattern.exact
            for part in parts
            for t in part
            if part[0].kind != "label"
        ),
        labels=_captures(captured, "label"),
        times=_captures(captured, "time"),
        columns={
            part[0].field: index
            for index, part in enumerate(captured)
            if part[0].field and part[0].kind == part[0].field
        },
        fields=fields,
    )


# Private

# Variables with nothing between them stay together: nobody can see where one of them ends.
_VARIABLES = re.compile(r"((?:\$\{\w+\}|\$\w+)+)", re.ASCII)
# What $request holds behind its first word: a URI and a protocol.
_REST_OF_REQUEST = "rest of request"


def _tokens(log_format: LogFormat, extra: Sequence[str]) -> list[Token]:
    """Cut the text into literals and variables, each with the pattern of what nginx writes."""
    # literal, variables, literal, variables, ..., literal
    pieces = _VARIABLES.split(log_format.text)
    _refuse_lists_without_end(log_format, pieces)
    fields = _fields(log_format, extra)
    tokens = [_literal(pieces[0])]
    for before, variables, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        # A variable that comes twice says the same twice: the first is enough.
        name = variables.strip("${}")
        field = fields.pop(name, None)
        rest = free(name, before, after, log_format.escape)
        if name == "request" and (field or _REST_OF_REQUEST in fields):
            tokens.append(Token(variables, METHOD, field))
            tokens.append(Token(variables, rest, fields.pop(_REST_OF_REQUEST, None)))
        else:
            pattern = typed(name, field, before, after, log_format.escape)
            tokens.append(Token(variables, pattern or rest, field))
        tokens.append(_literal(after))
    return [token for token in tokens if token.pattern.exact]


def _refuse_lists_without_end(log_format: LogFormat, pieces: Sequence[str]) -> None:
    """Raise LogFormatError for a list of which nobody could see the end in some line."""
    following = [*pieces[3::2], ""]
    for before, variables, after, next_ in zip(
        pieces[::2], pieces[1::2], pieces[2::2], following, strict=False
    ):
        name = variables.strip("${}")
        if not is_list(name) or is_header(name) or is_quoted(before, after):
            continue
        is_number = name in (*COUNTS, *SECONDS)
        why = ""
        if after.startswith((", ", " : ")):
            why = f"what stands between its values, {after[:3].rstrip()!r}, follows it"
        elif after == "," and log_format.escape != "default":
            why = "a comma follows it, and then perhaps nothing"
        elif after and re.match(r"[0-9]" if is_number else r"[\w.:/\[-]", after, re.ASCII):
            why = f"{after[0]!r} follows it, which could be part of it"
        elif not is_number and after == " " and next_.strip("${}") not in SAFE:
            why = f"what {next_} holds could be taken for more of it"
        if why:
            raise LogFormatError(
                f"log_format {log_format.name!r}: ${name} is a list when a request is retried, and"
                f" {why}; put quotes around it"
            )


def _fields(log_format: LogFormat, extra: Sequence[str]) -> dict[str, str]:
    """Return which variables of the format fill which fields."""
    names = re.findall(r"\$\{?(\w+)", log_format.text, re.ASCII)
    fields = {name: name for name in (*LABELS, *TIMES, *NUMBERS) if name in names}
    fields |= {other: name for name, other in SUBSTITUTES.items() if name not in names}
    if REQUEST_ID in extra and REQUEST_ID in names:
        fields[REQUEST_ID] = REQUEST_ID
    if URI in extra:
        uri = [name for name in (URI, *URI_SUBSTITUTES) if name in names]
        fields[uri[0] if uri else _REST_OF_REQUEST] = URI
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
    return Token(repr(text), Pattern.of(re.escape(text.encode())), literal=True)


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Group the tokens by what is captured together: one kind with only a literal between."""
    parts: list[list[Token]] = []
    for token in tokens:
        joins = token.kind in ("label", "time") and len(parts) > 1 and parts[-1][0].literal
        if joins and parts[-2][0].kind == token.kind:
            between = parts.pop()
            parts[-1] += [*between, token]
        else:
            parts.append([token])
    return parts


def _exact(parts: Sequence[list[Token]]) -> re.Pattern[bytes]:
    """Return the expression of a line; behind the last field and its end, anything may stand."""
    return re.compile(b"".join(_capture(part, quick=False) for part in _looked_at(parts)))


def _quick(parts: Sequence[list[Token]]) -> re.Pattern[bytes]:
    """Return the expression of all lines of a block."""
    line = b"".join(_capture(part, quick=True) for part in _looked_at(parts))
    # The empty group makes findall return tuples even where one group is all there is.
    return re.compile(rb"^(?:" + line + rb"()|.*+)\n", re.MULTILINE)


def _looked_at(parts: Sequence[list[Token]]) -> list[list[Token]]:
    last = max(index for index, part in enumerate(parts) if part[0].field)
    rest = [Token("the rest of the line", REST_OF_LINE)] if len(parts) > last + 2 else []
    return [*parts[: last + 2], rest]


def _capture(part: list[Token], *, quick: bool) -> bytes:
    pattern = b"".join(t.pattern.quick if quick else t.pattern.exact for t in part)
    return b"(%b)" % pattern if part and part[0].field else pattern


def _captures(captured: list[list[Token]], kind: str) -> Captures:
    indexes = tuple(index for index, part in enumerate(captured) if part[0].kind == kind)
    return Captures(indexes, tuple(_decoder(captured[index]) for index in indexes))


def _decoder(part: list[Token]) -> re.Pattern[bytes]:
    # What follows the last field is cut off, and its pattern may look at it: take all there is.
    tokens = [*part[:-1], part[-1]._replace(pattern=REST_OF_LINE)]
    named = (
        b"(?P<%b>%b)" % (token.field.encode(), token.pattern.exact)
        if token.field
        else token.pattern.exact
        for token in tokens
    )
    return re.compile(b"".join(named))
