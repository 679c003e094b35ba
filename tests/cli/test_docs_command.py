"""The command `docs`, and the nearest name for a misspelled one wherever a name is expected."""

from pathlib import Path

import pytest

from engage_codegen.schema.text import suggest
from tests.support.readers.pages import DOCS
from tests.support.tool import Tool


def test_docs_lists_every_page_with_its_title(tool: Tool) -> None:
    outcome = tool("docs")
    titles = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert titles.keys() == pages
    assert (titles["quickstart"], titles["changelog"]) == ("Quick start", "Changelog")


def test_docs_prints_a_page_without_the_directives_of_the_site(tool: Tool) -> None:
    assert tool("docs", "timeouts").out == (DOCS / "timeouts.md").read_text("utf-8")
    assert tool("docs", "commands/check.md").out.startswith("# engage-codegen check")
    index = tool("docs", "index").out
    assert index.startswith("# engage-codegen")
    assert "toctree" not in index
    assert tool("docs", "changelog").out == (DOCS.parent / "CHANGELOG.md").read_text("utf-8")


def test_docs_opens_a_page_only_if_it_is_on_the_web(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = tool("docs", "timeouts", "--open")
    assert outcome.code == 2
    assert "fix: engage-codegen docs timeouts" in outcome.err
    urls: list[str] = []

    def open_page(url: str) -> int:
        urls.append(url)
        return 0

    monkeypatch.setattr("engage_codegen.cli.docs.documentation_url", lambda: "https://d.example")
    monkeypatch.setattr("click.launch", open_page)
    assert tool("docs", "timeouts", "--open").code == 0
    assert urls == ["https://d.example/timeouts.html"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("docs timeout", "timeouts"),
        ("docs quick-start", "quickstart"),
        ("lint --explain EG1188", "EG118"),
        ("genrate", "generate"),
        ("check --livee", "--live"),
        ("templates copy pydantic-twn", "pydantic-twin"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_nearest_one(
    line: str, name: str, tool: Tool, project: Path
) -> None:
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\ntemplates = "t"\n')
    outcome = tool(*line.split())
    assert outcome.code == 2
    text = f"{outcome.out}{outcome.err}".lower()
    assert "did you mean" in text
    assert name.lower() in text.split("did you mean")[1]


def test_a_name_that_is_near_nothing_suggests_nothing() -> None:
    assert suggest("xyz", ["check", "pull"]) == ""
    assert suggest("chekc\x1b", ["check\x1b[2J", "pull"]) == r"did you mean 'check\u001b[2J'?"


def test_on_a_terminal_a_page_is_laid_out_without_escape_sequences(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engage_codegen.cli.docs.is_terminal", bool)
    text = tool("docs", "quickstart").out
    assert "Quick start" in text
    assert not {"\x1b", "#"} & {*text}
