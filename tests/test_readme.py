"""README and docs cannot drift: what they show is compared with the program, or run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Golden, Tool
from engage_codegen.cli import COMMANDS as ALL_COMMANDS
from engage_codegen.config import KEYS, load
from engage_codegen.sandbox.faults import read_faults
from engage_codegen.sandbox.server import Sandbox

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGURATION = ROOT / "docs" / "configuration.md"
INSTALLED = ("engage-codegen", "engage-codegen[sandbox]", "engage-codegen[verify]")
COMMANDS = ["", *ALL_COMMANDS]


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_reference_is_what_help_says(
    tool: Tool, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = "# Commands\n"
    for command in COMMANDS:
        outcome = tool(*([command] if command else []), "--help")
        assert outcome.code == 0
        heading = f"engage-codegen {command}".strip()
        text += f"\n## {heading}\n\n```text\n{outcome.out}```\n"
    golden(ROOT / "docs" / "commands.md", text)


RUN = [
    README,
    *((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in ("package", "outbox")),
]
PYTHON = [block for page in RUN for block in _blocks(page, "python")]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_python_of_the_readme_and_of_the_pages_on_the_package_runs(
    number: int, tenant: Sandbox, project: Path
) -> None:
    code = PYTHON[number]
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "generated")},
    )


@pytest.mark.parametrize(("page", "passed"), [("sandbox", [1]), ("testing", [3, 1])])
def test_the_python_of_a_page_on_tests_is_tests_that_pass(
    page: str, passed: list[int], tmp_path: Path
) -> None:
    blocks = _blocks((ROOT / "docs" / f"{page}.md").read_text("utf-8"), "python")
    for block, count in zip(blocks, passed, strict=True):
        (tmp_path / "test_docs.py").write_text(block)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "generated")}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )
        assert f"{count} passed" in done.stdout, done.stdout


def test_the_faults_of_the_sandbox_page_are_understood(tmp_path: Path) -> None:
    (block,) = _blocks((ROOT / "docs" / "sandbox.md").read_text("utf-8"), "json")
    (tmp_path / "faults.json").write_text(block)
    assert len(read_faults(tmp_path / "faults.json")) == 2


def test_the_configuration_of_the_readme_loads(tmp_path: Path) -> None:
    (block,) = _blocks(README, "toml")
    (tmp_path / "pyproject.toml").write_text(block)
    (config,) = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert config.base_url == "https://acme.voyado.com"
    assert config.output == tmp_path / "src/engage_interactions"


def test_the_commands_of_the_readme_work_in_their_order(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = [
        line.split("#")[0].strip() for text in _blocks(README, "sh") for line in text.splitlines()
    ]
    shutil.copytree(ROOT / "codegen/engage_codegen/sandbox/seed/schemas", project / "schemas")
    (block,) = _blocks(README, "toml")
    own = re.sub(r"base-url = .*\n", "", block)
    (project / "pyproject.toml").write_text(own)
    ran: list[str] = []
    for line in filter(None, lines):
        match line.split():
            case ["make", target]:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE)
            case ["pipx" | "pip", "install", what]:
                assert what.strip("'") in INSTALLED
            case ["engage-codegen", "sandbox"]:
                assert tool("sandbox", "--help").code == 0
            case ["engage-codegen", command, *arguments]:
                assert tool(command, *arguments).code == 0
                ran.append(command)
            case _:
                pytest.fail(f"nobody has tried {line!r}")
    assert ran[:4] == ["pull", "generate", "check", "verify"]
    assert ran[4:] == ["check", "diff", "lint", "preflight", "explain"]


def test_the_table_of_keys_is_complete() -> None:
    text = CONFIGURATION.read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| `([A-Z_]+)` \|", text, re.MULTILINE)
    assert dict(rows) == KEYS


def test_the_configuration_of_the_reference_loads(tmp_path: Path) -> None:
    text = CONFIGURATION.read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text("".join(_blocks(text, "toml")))
    one, other = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert (one.name, other.output) == ("brand-a", tmp_path / "src/acme/brand_b")
    assert [it.fingerprint for it in other.waivers] == ["EG301:0123456789abcdef"]


def test_the_first_commands_are_the_two_that_do_everything() -> None:
    assert [block.strip() for block in _blocks(README, "sh")[:2]] == ["make demo", "make test"]
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_exceptions_of_the_readme_exist() -> None:
    import engage_interactions

    names = re.findall(r"`([A-Z]\w+)`", README.split("| exception |")[1].split("\n\n")[0])
    assert len(names) >= 9
    for name in names:
        assert hasattr(engage_interactions, name), name


def test_the_tree_of_the_design_is_the_tree() -> None:
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    (tree,) = re.findall(
        r"^codegen/engage_codegen/\n(.*?)^templates/", text, re.MULTILINE | re.DOTALL
    )
    named = set(re.findall(r"^  (\w+)(?:\.py|/)", tree, re.MULTILINE))
    package = ROOT / "codegen" / "engage_codegen"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert named == rooms - {"__init__", "__main__", "__pycache__"}
