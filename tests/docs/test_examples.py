"""The examples in the help of the commands run, and so do the commands of llms.txt."""

import re
import shlex
import shutil
import subprocess
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from engage_codegen import verify
from engage_codegen.cli.app import COMMANDS
from engage_codegen.sandbox.server import Sandbox
from engage_codegen.verify import templates
from engage_codegen.verify.results import CheckerResult
from tests.support.paths import ROOT, SEEDS
from tests.support.readers.pages import DOCS
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

SERVERS = ("engage-codegen sandbox", "engage-codegen generate --watch")
"""Commands that run until Ctrl-C; tests/docs/test_docs.py runs them."""

CODES = {"engage-codegen push": 0}
"""The exit codes of lines that do not end with 0."""


def examples_of(command: str) -> list[str]:
    return list(import_module(f"engage_codegen.cli.{command.replace('-', '_')}").EXAMPLES)


def commands_of(text: str) -> list[str]:
    """Return the commands of the tool in the code spans of a text, and in its indented lines."""
    return re.findall(r"(?:`|^    )(engage-codegen [^`\n]+)", text, re.MULTILINE)


@pytest.fixture
def shop(project: Path, tool: Tool, tenant: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a committed package, schema files, and folders for contracts and
    templates."""

    def check_nothing(_output: Path, _paths: object) -> tuple[CheckerResult, ...]:
        return ()

    for module in (verify, templates):  # tests/verify runs the type checkers
        monkeypatch.setattr(module, "check_types", check_nothing)
    for name in ("STAGING", "LIVE", "PRODUCTION"):
        monkeypatch.setenv(f"ENGAGE_API_KEY_{name}", tenant.api_key)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\n'
        '[tool.engage-codegen]\noutput = "src/engage_interactions"\n'
        'contracts = "contracts"\ntemplates = "engage_templates"\n'
    )
    for folder in ("contracts", "engage_templates"):
        (project / folder).mkdir()
    assert tool("pull").code == tool("generate").code == 0
    shutil.copytree(SEEDS, project / "schemas")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in ("init -q -b main", "add .", "commit -q -m first"):
        subprocess.run(["git", *identity, *words.split()], check=True)
    return project


def _write_wheel(shop: Path) -> None:
    (shop / "dist").mkdir()
    package = shop / "src" / "engage_interactions"
    with zipfile.ZipFile(shop / "dist" / "acme-1.0-py3-none-any.whl", "w") as archive:
        for file in package.rglob("*"):
            archive.write(file, f"acme/visits/{file.relative_to(package)}")


def run_line(line: str, tool: Tool, tenant: Sandbox) -> None:
    """Run a line of a help text, without its redirection, with the sandbox as every tenant."""
    words = shlex.split(line.partition(" > ")[0])
    url, host = re.compile(r"https://\S*\bvoyado\.com"), re.compile(r"[\w.-]+\.voyado\.com")
    arguments = [host.sub("127.0.0.1", url.sub(tenant.base_url, word)) for word in words[1:]]
    outcome = tool(*arguments)
    assert outcome.code == CODES.get(line, 0), f"{line}\n{outcome.out}{outcome.err}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_that_run(
    command: str, shop: Path, tool: Tool, tenant: Sandbox
) -> None:
    examples = examples_of(command)
    assert examples
    if command == "init":
        (shop / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    if command == "preflight":
        _write_wheel(shop)
    for line in examples:
        assert line.startswith(f"engage-codegen {command}")
        if not line.startswith(SERVERS):
            run_line(line, tool, tenant)


def test_every_command_of_llms_txt_runs(shop: Path, tool: Tool, tenant: Sandbox) -> None:
    lines = commands_of((ROOT / "llms.txt").read_text("utf-8"))
    assert len(lines) > 10
    for line in lines:
        if not line.startswith(SERVERS):
            run_line(line, tool, tenant)


def test_llms_txt_names_pages_that_exist() -> None:
    text = (ROOT / "llms.txt").read_text("utf-8")
    pages = re.findall(r"\]\((docs/[^)#]+)", text)
    assert len(pages) > 10
    for page in pages:
        assert (ROOT / page).is_file(), page
    listed = {page.removeprefix("docs/") for page in pages}
    guides = {page.name for page in DOCS.glob("*.md")} - {"index.md", "benchmarks.md"}
    assert guides <= listed, guides - listed
