"""The pages of the documentation, and the blocks of code on them."""

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

RUN = ("sh", "python")
"""Languages of blocks that `test_docs` runs."""

FILES = ("toml", "json", "yaml", "ini", "makefile", "jinja")
"""Languages of blocks that `test_docs_files` parses."""

SHOWN = ("", "text", "dockerfile", "{toctree}", "{include} ../CHANGELOG.md")
"""Blocks that are only shown: trees, outputs, container files, and directives of the site."""


@dataclass(frozen=True)
class Block:
    """A code block of a page. `language` is that of the fence, or "indented" without a fence."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: Path) -> list[Block]:
    """Return the blocks of one page in order."""
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(
            name,
            (token.map or [0])[0] + 1,
            token.info.strip() if token.type == "fence" else "indented",
            token.content,
        )
        for token in MarkdownIt().parse(page.read_text("utf-8"))
        if token.type in ("fence", "code_block")
    ]


BLOCKS = [block for page in PAGES for block in read(page)]


def blocks(language: str, page: str = "") -> list[Block]:
    """Return the blocks in a language, of all pages or of one."""
    return [block for block in BLOCKS if block.language == language and page in ("", block.page)]


def spans(page: Path) -> list[str]:
    """Return the inline code of a page."""
    return [
        child.content
        for token in MarkdownIt().enable("table").parse(page.read_text("utf-8"))
        for child in token.children or []
        if child.type == "code_inline"
    ]
