"""Any bytes, in any kind of format: nothing raises, and no line disappears uncounted."""

import tempfile
from pathlib import Path

import pytest
from fuzz_parse import FORMATS, check
from hypothesis import given, settings
from hypothesis import strategies as st

from nginxlog_exporter.parse.parser import parse

ODD = [b"", b"-", b", ", b" : ", b'"', b"\\", b"\0", b"\r", b"\xff", b"9" * 400]


@st.composite
def spoiled(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a good line in which something else stands in place of a part."""
    start = draw(st.integers(0, len(good) - 1))
    end = draw(st.integers(start, min(start + 30, len(good) - 1)))
    odd = st.sampled_from(
        [b"", b"-", b", ", b" : ", b'"', b"\\", b"\0", b"\r", b"\xff", b"9" * 400]
    )
    return good[:start] + draw(st.one_of(odd, st.binary(max_size=30))) + good[end:]


def blocks(good: bytes) -> st.SearchStrategy[bytes]:
    """Return blocks of good, spoiled and senseless lines."""
    one = st.one_of(st.just(good), spoiled(good), st.binary(max_size=200).map(lambda b: b + b"\n"))
    return st.lists(one, max_size=8).map(b"".join)


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_whatever_a_line_holds_it_is_counted(name: str, data: st.DataObject) -> None:
    """As a request or as unparsed, once; parsing and counting never raise."""
    block = data.draw(blocks(FORMATS[name][1]))
    with tempfile.TemporaryDirectory() as folder:
        check(name, block, Path(folder))


@pytest.mark.parametrize("name", FORMATS)
def test_the_good_line_of_each_format_is_a_request(name: str, tmp_path: Path) -> None:
    """Otherwise the test above would fuzz nothing but refusals."""
    line_format, good = FORMATS[name]

    assert len(parse(good, line_format).rows) == 1
    check(name, good, tmp_path)
