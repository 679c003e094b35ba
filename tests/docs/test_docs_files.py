"""Configuration files in the README and the docs parse, and commands that they name exist."""

import configparser
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest
import yaml

from engage_codegen import __version__
from engage_codegen.cli.app import COMMANDS
from engage_codegen.cli.sandbox import command as sandbox_command
from engage_codegen.config import load
from engage_codegen.sandbox.control.faults import read_faults
from engage_codegen.sandbox.server import running
from tests.support.paths import ROOT
from tests.support.readers.pages import BLOCKS, FILES, PAGES, RUN, SHOWN, Block, blocks, spans
from tests.support.tool import Tool

OURS = "[tool.engage-codegen"


def test_every_block_is_tested_or_only_shown() -> None:
    for block in BLOCKS:
        if block.language not in (*RUN, *FILES, *SHOWN):
            pytest.fail(f"no test covers {block.language!r}, as in {block}")
        if block.language in SHOWN:
            assert not re.search(r"^(\$ |engage-codegen |pip |make )", block.text, re.MULTILINE)


@pytest.mark.parametrize(
    "block", [block for language in FILES for block in blocks(language)], ids=str
)
def test_a_file_on_a_page_can_be_read(block: Block) -> None:
    match block.language:
        case "toml":
            assert tomllib.loads(block.text)
        case "json":
            assert json.loads(block.text)
        case "yaml":
            assert yaml.safe_load(block.text)
        case "ini":
            configparser.ConfigParser().read_string(block.text)
        case "makefile":
            command = ["make", "--dry-run", "--file=-"]
            subprocess.run(command, input=block.text, text=True, check=True, capture_output=True)
        case "jinja":
            templates = (ROOT / "templates").rglob("*.jinja")
            assert any(block.text in template.read_text("utf-8") for template in templates)
        case _:
            pytest.fail(f"no test covers {block}")


@pytest.mark.parametrize(
    "page", sorted({block.page for block in blocks("toml") if OURS in block.text})
)
def test_the_configuration_of_a_page_loads(page: str, project: Path) -> None:
    text = "".join(block.text for block in blocks("toml", page) if OURS in block.text)
    (project / "pyproject.toml").write_text(text)
    configs = load(file=None, environ={}, flags={}, folder=project)
    targets = {
        (config.name, config.base_url, config.output.relative_to(project).as_posix())
        for config in configs
    }
    if page == "README.md":
        assert targets == {("", "https://acme.voyado.com", "src/engage_interactions")}
    if page == "docs/configuration.md":
        assert ("brand-b", "https://brand-b.voyado.com", "src/acme/brand_b") in targets
        assert [waiver.fingerprint for waiver in configs[0].waivers] == ["EG301:0123456789abcdef"]


def test_the_faults_on_the_sandbox_page_can_be_read(project: Path) -> None:
    (block,) = blocks("json", "docs/sandbox.md")
    (project / "faults.json").write_text(block.text)
    assert len(read_faults(project / "faults.json")) == 2


def test_the_container_files_name_what_the_sandbox_really_has(tmp_path: Path) -> None:
    page = "docs/sandbox-container.md"
    (recipe,), (compose,) = blocks("dockerfile", page), blocks("yaml", page)
    command: list[str] = json.loads(re.findall(r"^CMD (.*)", recipe.text, re.MULTILINE)[0])
    assert command[:2] == ["engage-codegen", "sandbox"]
    context = sandbox_command.make_context(
        "sandbox", command[2:], help_option_names=["-h", "--help"]
    )
    (name,), folder = context.params["allowed_hosts"], context.params["tls"]
    services = yaml.safe_load(compose.text)["services"]
    assert name in services
    environment = services["app"]["environment"]
    assert environment["ENGAGE_BASE_URL"] == f"https://{name}:{context.params['port']}"
    assert environment["ENGAGE_API_KEY"] == context.params["api_key"]
    assert environment["SSL_CERT_FILE"] == f"{folder.as_posix()}/ca.pem"
    assert f"SSL_CERT_FILE={folder.as_posix()}/ca.pem" in recipe.text
    check: list[str] = json.loads(re.findall(r"^HEALTHCHECK .* CMD (.*)", recipe.text, re.M)[0])
    (path,) = re.findall(r"https://localhost:8080(/[\w/]+)", check[2])
    with running() as sandbox:
        code = check[2].replace("https://localhost:8080", sandbox.base_url)
        subprocess.run([sys.executable, "-c", code], check=True)
        assert httpx.get(sandbox.base_url + path).json() == {"status": "ok"}
    for block in (recipe, compose):
        assert "# Never " in block.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_and_options_that_a_page_names_exist(page: Path, tool: Tool) -> None:
    shown = [block.text for block in BLOCKS if block.page == page.relative_to(ROOT).as_posix()]
    for text in (*spans(page), *shown):
        for command, rest in re.findall(r"\bengage-codegen (\w[\w-]*)([^#&|\n]*)", text):
            assert command in COMMANDS, f"engage-codegen {command}"
            help_text = tool(command, "--help").out
            for option in re.findall(r" (--[a-z-]+)", rest):
                assert re.search(rf"{option}\b", help_text), f"engage-codegen {command} {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_pins_no_other_version_than_this_one(page: Path) -> None:
    pinned = re.findall(r"engage-codegen==([\w.]+)", page.read_text("utf-8"))
    assert set(pinned) <= {__version__}
