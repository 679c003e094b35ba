"""The README and the reference are compared with the program, so that they stay true."""

import re
from pathlib import Path

import pytest

from engage_codegen.cli.app import COMMANDS, HELP_PAGES
from engage_codegen.config import KEYS
from engage_codegen.model.ir import Field, Record
from engage_codegen.render.filters import FILTERS
from tests.support.paths import ROOT
from tests.support.readers.pages import DOCS, PAGES, README, blocks, spans
from tests.support.tool import Golden, Tool

TEXT = README.read_text("utf-8")
TEMPLATES = DOCS / "template-development.md"

ABOUT = {
    "init": ("quickstart", "Quick start"),
    "pull": ("quickstart", "Quick start"),
    "generate": ("package", "The generated package"),
    "check": ("ci", "In CI"),
    "lint": ("ci", "Check schemas: lint"),
    "contract": ("contracts", "What a contract can say"),
    "templates": ("templates", "Start with an example"),
    "diff": ("ci", "Compare schemas: diff"),
    "push": ("ci", "Create schemas in the tenant: push"),
    "probe": ("probe", "Make the sandbox behave like your tenant"),
    "preflight": ("ci", "Check a package before deployment: preflight"),
    "explain": ("ci", "Explain a schema or property"),
    "catalogue": ("contracts", "A catalogue for people who read no code"),
    "verify": ("soundness", "Verify what the types promise"),
    "sandbox": ("sandbox", "The sandbox"),
    "outbox-sql": ("several-machines", "Tables"),
    "docs": ("troubleshooting", "Find the page"),
    "completion": ("editors", "Shells"),
}
"""Command -> the page about it, and the heading on that page."""


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command_is_its_help(command: str, tool: Tool, golden: Golden) -> None:
    outcome = tool(command, "--help")
    assert outcome.code == 0
    text = f"# engage-codegen {command}\n\n```text\n{outcome.out}```\n"
    if command in ABOUT:
        page, heading = ABOUT[command]
        anchor = re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-")
        text += f"\nMore: [{heading}](../{page}.md#{anchor}).\n"
    golden(DOCS / "commands" / f"{command}.md", text)


def test_the_index_of_commands_lists_every_command(tool: Tool, golden: Golden) -> None:
    links = "".join(f"- [engage-codegen {command}]({command}.md)\n" for command in COMMANDS)
    entries = "".join(f"{command}\n" for command in COMMANDS)
    toctree = f"```{{toctree}}\n:hidden:\n\n{entries}```\n"
    text = f"# Commands\n\n```text\n{tool('--help').out}```\n\n{links}\n{toctree}"
    golden(DOCS / "commands" / "index.md", text)
    pages = {path.stem for path in (DOCS / "commands").iterdir()}
    assert pages == {"index", *COMMANDS}
    assert ABOUT.keys() <= HELP_PAGES.keys() == COMMANDS.keys()
    assert {command: page for command, (page, _) in ABOUT.items()}.items() <= HELP_PAGES.items()
    assert all((DOCS / f"{page}.md").is_file() for page in HELP_PAGES.values())


def test_the_readme_lists_the_commands() -> None:
    (paragraph,) = re.findall(r"^## Commands\n\n(.*?);", TEXT, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`([\w-]+)`", paragraph) == list(COMMANDS)


def test_the_table_of_configuration_keys_is_complete() -> None:
    text = (DOCS / "configuration.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`([A-Z_]+)` )?\|", text, re.MULTILINE)
    assert dict(rows) == KEYS


def test_the_readme_begins_with_make_demo_and_make_test() -> None:
    first = [block.text.strip() for block in blocks("sh", "README.md")[:2]]
    assert first == ["make demo", "make test"]
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_readme_lists_the_pages() -> None:
    listed = set(re.findall(r"`([a-z/-]+)`", TEXT.partition("## Read on")[2])) - {"docs"}
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert listed <= pages
    guides = {name for name in pages if "/" not in name}
    assert guides - listed == {"index", "benchmarks", "sandbox-container"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_targets_of_links_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_exceptions_in_the_readme_exist() -> None:
    import engage_interactions

    names = re.findall(r"`([A-Z]\w+)`", TEXT.split("| exception |")[1].split("\n\n")[0])
    assert len(names) >= 9
    for name in names:
        assert hasattr(engage_interactions, name), name


def test_the_tree_on_the_design_page_is_the_tree_of_the_package() -> None:
    text = (DOCS / "design.md").read_text("utf-8")
    (tree,) = re.findall(
        r"^codegen/engage_codegen/\n(.*?)^templates/", text, re.MULTILINE | re.DOTALL
    )
    named = set(re.findall(r"^  (\w+)(?:\.py|/)", tree, re.MULTILINE))
    package = ROOT / "codegen" / "engage_codegen"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert named == rooms - {"__init__", "__pycache__"}


def test_the_page_on_templates_has_every_template_filter_and_attribute() -> None:
    text = TEMPLATES.read_text("utf-8")
    rows = "\n".join(line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `"))
    templates = {path.name for path in (ROOT / "templates" / "package").iterdir()}
    assert set(re.findall(r"`([\w.]+\.jinja)`", rows)) == templates
    (table,) = re.findall(r"^\| filter \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == FILTERS.keys()
    documented = {span for span in spans(TEMPLATES) if re.fullmatch(r"(record|field)\.\w+", span)}
    used = "".join(path.read_text("utf-8") for path in (ROOT / "templates" / "package").iterdir())
    assert set(re.findall(r"\b(?:record|field)\.\w+", used)) <= documented
    for name in documented:
        kind, _, attribute = name.partition(".")
        assert hasattr({"record": Record, "field": Field}[kind], attribute), name
