"""Slack's mrkdwn becomes HTML, and nothing else does."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mrkdwn import plain, render

OURS = {"a", "b", "i", "s", "br", "code", "pre"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold*", "<b>bold</b>"),
        ("_italic_", "<i>italic</i>"),
        ("~gone~", "<s>gone</s>"),
        ("`a *b*`", "<code>a *b*</code>"),
        ("```\na\nb\n```", "<pre>a\nb</pre>"),
        ("*bold _both_*", "<b>bold <i>both</i></b>"),
        ("two\nlines", "two<br>\nlines"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("* not bold *", "* not bold *"),
        (":book: :mag: :unknown:", "📖 🔍 :unknown:"),
        ("10:15:30", "10:15:30"),
        ("🚨 →", "🚨 →"),
        ("&lt;b&gt; &amp;amp; &quot;", "&lt;b&gt; &amp;amp; &amp;quot;"),
        ("a & b < c", "a &amp; b &lt; c"),
        ("<http://h/?b=1&amp;c=2|the page>",
         '<a href="http://h/?b=1&amp;c=2" rel="noreferrer">the page</a>'),
        ("<https://h/_x_>", '<a href="https://h/_x_" rel="noreferrer">https://h/_x_</a>'),
        ("see http://h/_x_.", 'see <a href="http://h/_x" rel="noreferrer">http://h/_x</a>_.'),
        ('<http://h/"onclick=x|y>', '<a href="http://h/&#34;onclick=x" rel="noreferrer">y</a>'),
    ],
)  # fmt: skip
def test_mrkdwn_is_drawn_as_slack_draws_it(text: str, html: str) -> None:
    """Row by row."""
    assert str(render(text)) == html


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "<!channel>", "<@U123>", "<javascript:alert(1)|click>",
     "<img src=x onerror=alert(1)>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
)  # fmt: skip
def test_hostile_text_stays_text(text: str) -> None:
    """It can be read, and does nothing."""
    for html in (str(render(text)), str(plain(text)), str(render(f"*{text}*"))):
        assert "&lt;" in html
        assert "<a" not in html
        assert "<script" not in html
        assert "<img" not in html


def test_a_title_knows_emoji_but_no_bold() -> None:
    """As Slack's titles."""
    assert str(plain(":warning: *a* `b`")) == "⚠️ *a* `b`"


def test_marks_nested_without_end_are_only_text() -> None:
    """No message can exhaust the stack."""
    text = "*_" * 5000 + "x" + "_*" * 5000

    assert "x" in render(text)


@settings(deadline=None)
@given(st.text(alphabet="<>&|*_~`:\"'/abhtps.\n ", max_size=80))
def test_no_text_makes_a_tag_that_is_not_ours(text: str) -> None:
    """Random marks and brackets: only our own tags, and links that lead to the web."""
    parser = _Tags()
    parser.feed(str(render(text)))

    assert parser.tags <= OURS
    assert all(link.startswith(("http://", "https://", "mailto:")) for link in parser.links)


class _Tags(HTMLParser):
    """Collects tags and links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
