"""The pages of the documentation, and the blocks of code on them."""

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

RUN = ("sh", "python")
"""Tried by `test_docs`."""

FILES = ("toml", "json", "yaml", "ini", "makefile", "jinja")
"""Tried by `test_docs_files`."""

SHOWN = ("", "text", "dockerfile", "{toctree}", "{include} ../CHANGELOG.md")
"""Trees and outputs, what needs a daemon, and what the build of the site looks at."""


@dataclass(frozen=True)
class Block:
    """A block of a page: `language` is what stands behind the fence, "indented" without one."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: Path) -> list[Block]:
    """The blocks of one page, in their order."""
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
    """The blocks in a language, of all pages or of one."""
    return [it for it in BLOCKS if it.language == language and page in ("", it.page)]


def spans(page: Path) -> list[str]:
    """The words of a page that are set as code."""
    return [
        child.content
        for token in MarkdownIt().enable("table").parse(page.read_text("utf-8"))
        for child in token.children or []
        if child.type == "code_inline"
    ]
