"""A block of complete lines -> rows. Pure.

No line raises and none disappears: rows and unparsed lines add up to the lines of the block.
"""

from collections import Counter
from functools import lru_cache

from nginxlog_exporter.parse.log_format import LineFormat
from nginxlog_exporter.parse.records import Parsed, Texts
from nginxlog_exporter.tail.file_counters import ENCODING, FORMAT


def plain_ends(block: bytes) -> bytes:
    """Return the lines with ends as nginx writes them; files that went through Windows have CRLF.

    nginx escapes a CR in a value, unless the format says escape=none.
    """
    # To look for one byte takes a hundredth of looking for two.
    return block.replace(b"\r\n", b"\n") if b"\r" in block else block


def parse(block: bytes, line_format: LineFormat) -> Parsed:
    """Parse complete lines, each ending in a newline or CRLF. Never raises."""
    block = plain_ends(block)
    rows = line_format.quick.findall(block)
    labels = list(map(line_format.labels.of, rows))
    counts = Counter(labels)
    took_several = (
        len(rows) != _lines(block) if line_format.skips else any(map(_has_newline, counts))
    )
    if took_several or line_format.labels.nothing in counts:
        return _parse_exactly(block, line_format)
    return Parsed(rows, labels, counts, Counter())


# Private


@lru_cache(4096)
def _has_newline(texts: Texts) -> bool:
    return any(b"\n" in text for text in (texts if isinstance(texts, tuple) else (texts,)))


def _lines(block: bytes) -> int:
    """Return the number of lines; `count` takes several times as long (CPython 3.11 to 3.13)."""
    return len(block) - len(block.replace(b"\n", b""))


def _parse_exactly(block: bytes, line_format: LineFormat) -> Parsed:
    rows, bad = [], []
    for line in block.split(b"\n")[:-1]:
        match = line_format.exact.fullmatch(line)
        if match:
            rows.append(match.groups())
        else:
            bad.append(line)
    labels = list(map(line_format.labels.of, rows))
    unparsed = Counter(map(_reason, bad))
    return Parsed(rows, labels, Counter(labels), unparsed, bad[0] if bad else b"")


def _reason(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return ENCODING
    return ENCODING if "\0" in text else FORMAT
