"""Commands show hostile schemas, file names and arguments as text, to all readers of output."""

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engage_codegen.errors import InputError, SchemaError, SchemaProblem
from engage_codegen.integrations.build import describe_error
from tests.support.readers.documents import SYNTAX
from tests.support.readers.logs import LOG_SYNTAX, assert_plain, find_controls, read_commands
from tests.support.tiers import IS_FULL
from tests.support.tool import Outcome, Tool

NUMBER = 250 if IS_FULL else 3
"""The number of projects, each with 16 schemas that generate and 26 that do not."""

CONFIGURATION = '[tool.engage-codegen]\ndialect = "json-schema"\n'
ALL_SYNTAX = (*LOG_SYNTAX, *SYNTAX)


class Texts:
    """Hostile texts by a fixed seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def draw(self) -> str:
        return "".join(self._chance.choices(ALL_SYNTAX, k=self._chance.randint(1, 6)))

    def draw_name(self) -> str:
        """Return a name that a file can have."""
        text = re.sub(r"[/\x00\ud800-\udfff]", "", self.draw()).lstrip(".")
        return f"{text.encode()[:80].decode('utf-8', 'ignore')}-"


def schema_of(texts: Texts, number: int) -> dict[str, object]:
    """Return a schema with hostile texts that generates."""
    properties = {
        f"{texts.draw().encode('ascii', 'ignore').decode()} p{index}": {
            "type": "string",
            "title": texts.draw(),
            "displayName": texts.draw(),
            "description": texts.draw(),
            "enum": [texts.draw(), "x"],
        }
        for index in range(2)
    }
    body = {"type": "object", "description": texts.draw(), "properties": properties}
    return {"id": f"s{number}", "displayName": texts.draw(), "jsonSchema": body}


def broken_schema_of(texts: Texts, number: int) -> object:
    """Return a schema with hostile texts that lint reports."""
    schema = schema_of(texts, number)
    body: dict[str, object] = {"type": texts.draw(), texts.draw(): texts.draw()}
    schemas: list[object] = [
        {**schema, "id": texts.draw()},
        {**schema, "jsonSchema": {**body, "properties": {texts.draw(): {"type": texts.draw()}}}},
        {**schema, "jsonSchema": {"type": "object", "properties": {texts.draw(): texts.draw()}}},
        {**schema, "jsonSchema": {"type": "object", "required": [texts.draw()], "properties": {}}},
        texts.draw(),
    ]
    return schemas[number % 5]


@pytest.fixture
def names_are_bytes() -> None:
    if os.name == "nt":
        pytest.skip("file names of Windows have no control characters")


def write_schemas(folder: Path, schemas: Iterator[object], texts: Texts) -> None:
    folder.mkdir(parents=True)
    for number, schema in enumerate(schemas):
        (folder / f"{texts.draw_name()}{number}.json").write_text(json.dumps(schema, indent=1))


def check_outcome(outcome: Outcome, output_format: str) -> None:
    """Fail if the output of a command is more than text for its readers."""
    assert "internal error" not in outcome.err, outcome
    assert_plain(outcome.err)
    assert not find_controls(outcome.out)
    if output_format != "github":
        assert not read_commands(outcome.out), outcome.out
    if output_format in ("json", "sarif"):
        json.loads(outcome.out)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(NUMBER))
@pytest.mark.usefixtures("names_are_bytes")
def test_no_command_lets_a_hostile_schema_out(seed: int, project: Path, tool: Tool) -> None:
    texts = Texts(seed)
    write_schemas(project / "good", (schema_of(texts, number) for number in range(16)), texts)
    write_schemas(project / "bad", (broken_schema_of(texts, number) for number in range(26)), texts)
    (project / "bad" / "broken.json").write_text('{"id": \n' + json.dumps(texts.draw()) + "]")
    (project / "pyproject.toml").write_text(CONFIGURATION)
    good = ("--schemas", "good", "--output", "package")
    bad = ("--schemas", "bad", "--output", "new")
    formats = ("text", "json", "sarif", "github")
    assert tool("generate", *good).code == 0
    for output_format in formats:
        shown = ("--output-format", output_format)
        check_outcome(tool("lint", "bad", *shown), output_format)
        check_outcome(tool("lint", "good", "--strict", *shown), output_format)
        check_outcome(tool("generate", *bad, *shown), output_format)
        check_outcome(tool("diff", "package", "good", *shown, *good), output_format)
    check_outcome(tool("explain", "s1", *good), "text")
    outcome = tool("list", *good)
    assert [line.count("\t") for line in outcome.out.splitlines()] == [5] * 17
    assert_plain(outcome.out.replace("\t", " "))
    # A stale package is shown as a diff, with lines of the texts around the changes.
    for path in sorted((project / "package").glob("s*.py"))[:4]:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:6] + lines[7:]), "utf-8")
    for output_format in formats:
        outcome = tool("check", *good, "--output-format", output_format)
        assert outcome.code == 1
        check_outcome(outcome, output_format)


HOSTILE = "\x1b]0;x\x07\n::error::a\r##[error]b\u202e\u200b\n  where: c"


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["list", HOSTILE],
        ["lint", HOSTILE],
        ["lint", "--explain", HOSTILE],
        ["explain", HOSTILE],
        ["completion", HOSTILE],
        ["generate", "--output", HOSTILE],
        ["generate", "--rename", HOSTILE],
        ["generate", "--output-format", HOSTILE],
        ["generate", "--schemas", HOSTILE],
        ["check", "--target", HOSTILE],
        ["check", "--config", HOSTILE],
        ["preflight", HOSTILE],
        ["preflight", "x", "--tenant", HOSTILE],
        ["diff", HOSTILE, f"git:{HOSTILE}"],
        ["init", "--schemas", HOSTILE],
        ["init", "--with", HOSTILE],
        ["push", HOSTILE],
        ["sandbox", "--port", HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "X"),
)
def test_an_argument_is_text_in_every_message(
    arguments: list[str], project: Path, tool: Tool
) -> None:
    outcome = tool(*arguments)
    assert outcome.code != 0
    assert "internal error" not in outcome.err
    assert_plain(outcome.err)
    assert not find_controls(outcome.out)
    assert not read_commands(outcome.out)


def test_the_choices_of_a_missing_argument_are_listed(tool: Tool) -> None:
    outcome = tool("completion")
    assert outcome.code == 2
    assert "bash" in outcome.err
    assert_plain(outcome.err)


def test_the_preview_of_init_shows_existing_files_as_text(project: Path, tool: Tool) -> None:
    hostile = "# ##[error]x \u202e \u200b\n# ::error::x\n"
    text = f'[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n{hostile}'
    (project / "pyproject.toml").write_text(text, "utf-8")
    (project / "schemas").mkdir()
    outcome = tool("init", "--schemas", "schemas", "--user-agent", "x/1", "--dry-run")
    assert outcome.code == 0, outcome
    assert "pyproject.toml" in outcome.out
    assert "\\u202e" in outcome.out
    assert_plain(outcome.out)
    assert_plain(outcome.err)


def test_the_log_of_a_build_has_no_line_of_a_file_name() -> None:
    problem = SchemaProblem("EG120", "a", ("id",), (), HOSTILE, HOSTILE, HOSTILE)
    assert_plain(describe_error(SchemaError([problem, problem])), 6)
    assert_plain(describe_error(InputError("message", where=HOSTILE, fix=HOSTILE)), 3)


def test_a_folder_with_a_hostile_name_is_shown_on_one_line(project: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("file names of Windows have no control characters")
    folder = project / HOSTILE.replace("/", "")
    (folder / "package").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "engage_codegen", "list", "--debug", "--output", "package"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert_plain(done.stderr)
