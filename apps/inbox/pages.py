"""The pages for people: the messages, and the runbook that their buttons lead to."""

from pathlib import Path

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.anchors import anchors_plugin
from werkzeug.exceptions import NotFound

from inbox import view
from inbox.store import Store

# js-default: raw HTML in the text stays text, and no link runs a script. The anchors are headings
# as GitHub writes them: lower case, with dashes.
_MARKDOWN = MarkdownIt("js-default").use(anchors_plugin, max_level=3)


def blueprint(store: Store, runbook: Path | None) -> Blueprint:
    """Return the pages."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def index() -> ResponseReturnValue:
        cards = view.cards(store.after(0))
        return render_template(
            "index.html",
            cards=cards,
            last=cards[-1].id if cards else 0,
            has_runbook=runbook is not None,
        )

    @pages.get("/runbook")
    def show_runbook() -> ResponseReturnValue:
        if runbook is None or not runbook.is_file():
            raise NotFound("There is no runbook: RUNBOOK_FILE names no file that can be read.")
        tokens = _MARKDOWN.parse(runbook.read_text(encoding="utf-8"))
        html = Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704 - see above
        return render_template("runbook.html", html=html, sections=_sections(tokens))

    return pages


# Private


def _sections(tokens: list[Token]) -> list[tuple[str, str]]:
    """Return anchor and words of each second-level heading."""
    return [
        (str(token.attrGet("id")), tokens[position + 1].content)
        for position, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]
