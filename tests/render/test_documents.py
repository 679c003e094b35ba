"""Texts of a schema stay text in the documents that Sphinx, pdoc, editors and GitHub make."""

import ast
import inspect
import random
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest
from markdown_it import MarkdownIt

from engage_codegen.model.ir import Prose, inline_literal
from engage_codegen.render.filters import cell, doc
from engage_codegen.schema.text import escape
from tests.support.readers.documents import (
    SYNTAX,
    check_doctest,
    check_markdown,
    check_pdoc,
    join_words,
    read_rst,
    show,
)
from tests.support.tiers import IS_FULL

NUMBER = 6000 if IS_FULL else 300


def hostile_texts(seed: int) -> Iterator[tuple[str, str]]:
    """Yield a text of a schema and the name of a property."""
    chance = random.Random(seed)
    yield from ((text, text) for text in ("", *SYNTAX) for _ in range(2))
    for _ in range(NUMBER):
        text = "".join(chance.choices(SYNTAX, k=chance.randint(1, 12)))
        yield text, "".join(chance.choices(SYNTAX, k=chance.randint(1, 3)))


def docstrings(seed: int) -> Iterator[tuple[str, str]]:
    """Yield docstrings as Python shows them, and the words that they consist of."""
    for number, (text, name) in enumerate(hostile_texts(seed)):
        prose = Prose(" ".join(text.split()))
        words = show(prose)
        if number % 2:
            literal = inline_literal(name)
            prose = Prose(*prose.pieces, ". Sent as ", literal, ".")
            words += f".Sentas{join_words(literal[2:-2])}."
        value = ast.literal_eval(f'"""{doc(prose, 4)}"""')
        yield inspect.cleandoc(value), words


def test_sphinx_shows_every_text_and_nothing_else() -> None:
    for docstring, words in docstrings(1):
        assert read_rst(docstring) == words, docstring


READERS: list[Callable[[str], None]] = [check_markdown, check_doctest]


@pytest.mark.parametrize("check", READERS, ids=lambda check: check.__name__)
def test_no_text_is_markup_or_code_for_editors_and_doctest(check: Callable[[str], None]) -> None:
    for docstring, _ in docstrings(2):
        check(docstring)


@pytest.mark.skipif(find_spec("pdoc") is None, reason="pdoc is not installed")
def test_no_text_is_markup_for_pdoc() -> None:
    for docstring, _ in docstrings(3):
        check_pdoc(docstring)


@pytest.mark.parametrize(
    "text",
    [
        "The price, in CHF (with VAT): 3.50 - or less!",
        "Größe; 5 < 6 & 7 > 6, snake_case, 50%, 'x' and \"y\"!",
        "Ends in https: or 12:30, at 10/12 or a + b = c.",
    ],
)
def test_an_ordinary_text_is_not_changed(text: str) -> None:
    assert doc(text) == text


GITHUB = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify")
EDITOR = MarkdownIt().enable(["table", "strikethrough"])


@pytest.mark.parametrize("parser", [GITHUB, EDITOR], ids=["github", "editor"])
def test_a_cell_of_the_index_shows_its_text_and_nothing_else(parser: MarkdownIt) -> None:
    for text, _ in hostile_texts(4):
        row = f"| `x` | {cell(text)} |"
        tokens = parser.parse(f"| a | b |\n| --- | --- |\n{row}\n")
        blocks = [token.type for token in tokens if token.level == 0 and token.nesting >= 0]
        assert blocks == ["table_open"], row
        _, _, _, shown = (token.children or [] for token in tokens if token.type == "inline")
        assert {token.type for token in shown} <= {"text", "text_special"}, row
        words = "".join(token.content for token in shown).replace("\\u0040", "@")
        assert words.split() == escape(text).split(), row


@pytest.mark.parametrize(
    "text", ["https://x.example", "www.x.example", "a@b.example", "ftp://x.example/y"]
)
def test_a_cell_of_the_index_has_no_automatic_link(text: str) -> None:
    shown = cell(text)
    assert not any(link in shown for link in ("://", "www.", "@"))
