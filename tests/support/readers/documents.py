"""Documents as their readers see them: reStructuredText, Markdown, and the HTML of pdoc.

Each reader returns the text of a document, and fails if anything but plain paragraphs and inline
literals is in it.
"""

import doctest
import io
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from engage_codegen.render.docstrings import WITHOUT_ESCAPE
from engage_codegen.schema.text import escape, escape_match

# docutils and pdoc have no types.
frontend: Any = import_module("docutils.frontend")
nodes: Any = import_module("docutils.nodes")
utils: Any = import_module("docutils.utils")
rst: Any = import_module("docutils.parsers.rst")

_PLAIN_NODES = (nodes.document, nodes.paragraph, nodes.literal, nodes.Text)
_PLAIN_TOKENS = {"paragraph_open", "paragraph_close", "inline"}
_PLAIN_INLINES = {"text", "text_special", "softbreak", "code_inline"}
_MARKDOWN = [MarkdownIt(), MarkdownIt().enable(["table", "strikethrough"])]

SYNTAX = (
    *(Path(__file__).with_name("markup.txt").read_text("utf-8").splitlines()),
    *(f"{start} " for start in "- + * 1. 1) (1) #. A. iv. mix. # >".split()),
    *(" ", " ", " ", "  ", "\n", "\t", "\u202e", "\x1b", "\ud800", "\u2028", "x" * 80, "y" * 70),
)
"""Texts that mean something in a document, and harmless ones between which they stand."""


def show(text: str) -> str:
    """Return foreign text as a docstring shows it, without its white space."""
    return join_words(WITHOUT_ESCAPE.sub(escape_match, escape(text)))


def read_rst(text: str) -> str:
    """Return the text of a docstring that Sphinx renders, without its white space."""
    settings = frontend.get_default_settings(rst.Parser)
    settings.report_level, settings.halt_level = 5, 6
    settings.warning_stream = io.StringIO()
    document = utils.new_document("docstring", settings)
    rst.Parser().parse(text, document)
    for node in document.findall():
        assert isinstance(node, _PLAIN_NODES), (text, node.pformat())
    assert len(document.children) <= 1, document.pformat()
    return join_words(document.astext())


def check_markdown(text: str) -> None:
    """Fail if a docstring that an editor renders is more than a paragraph."""
    for parser in _MARKDOWN:
        for token in parser.parse(text):
            assert token.type in _PLAIN_TOKENS, (text, token)
            inlines = {child.type for child in token.children or []}
            assert inlines <= _PLAIN_INLINES, (text, inlines)


def check_doctest(text: str) -> None:
    """Fail if ``pytest --doctest-modules`` would execute anything in a docstring."""
    assert not doctest.DocTestParser().get_examples(text), text


def check_pdoc(text: str) -> None:
    """Fail if a docstring that pdoc renders is more than a paragraph, or hides its object."""
    docstrings: Any = import_module("pdoc.docstrings")
    render_helpers: Any = import_module("pdoc.render_helpers")
    assert not {"@private", "@public"} & set(text.split())
    for docformat in ("markdown", "restructuredtext", "google", "numpy"):
        markdown = docstrings.convert(text, docformat, Path("/nowhere/module.py"))
        reader = _Tags()
        reader.feed(str(render_helpers.to_html(markdown)))
        assert reader.tags <= {("p",), ("code",)}, (docformat, text, reader.tags)


class _Tags(HTMLParser):
    """The tags of a page, each with its attributes, and everything else that is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[tuple[object, ...]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, *attrs))

    def handle_comment(self, data: str) -> None:
        self.tags.add(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.tags.add(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.tags.add(("instruction", data))

    def unknown_decl(self, data: str) -> None:
        self.tags.add(("declaration", data))


def join_words(text: str) -> str:
    """Return a text without its white space, and with backslashes for their escapes."""
    return "".join(text.replace("\\u005c", "\\").split())
