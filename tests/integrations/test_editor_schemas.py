"""The two schemas that an editor goes by say what `lint` and the configuration say, so far as a
JSON Schema can."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
import pytest

from engage_codegen.config import KEYS, PARTS, load
from engage_codegen.errors import ConfigError
from engage_codegen.lint.attributes import ATTRIBUTES, MISPRINT
from engage_codegen.lint.rules import MAX_SCHEMAS
from engage_codegen.lint.verdicts import lint_schema
from engage_codegen.model.constraints import TYPES
from engage_codegen.model.dialect import FORMATS, JSON_SCHEMA
from engage_codegen.schema.envelope import DIALECTS
from engage_codegen.sources.documents import read_document
from tests.support.lint_cases import CASES, GOOD
from tests.support.paths import ROOT

SEED = ROOT / "codegen" / "engage_codegen" / "sandbox" / "seed" / "schemas"
FILES = ROOT / "codegen/engage_codegen/integrations/files"
INTERACTION = json.loads((FILES / "interaction.schema.json").read_text("utf-8"))
CONFIGURATION = json.loads((FILES / "configuration.schema.json").read_text("utf-8"))
interaction = jsonschema_rs.validator_for(INTERACTION)
configuration = jsonschema_rs.validator_for(CONFIGURATION, validate_formats=True)

BEYOND_A_SCHEMA = {"EG110", "EG120", "EG206"}
"""Errors about a number of properties by what they say, about names in Python, and about a required
property that is not declared."""

VALUES: list[Any] = [
    *("", "true", "false", "True", "yes", "0", "-1", "1.5", "1234567890", "1\n", " 1", "first"),
    *("string", "number", "integer", "boolean", "object", "array", "null", "text", "date-time"),
    *("date", "storeVisit", "a/b", "å", "x" * 201, "true\n", "storeVisit\n", JSON_SCHEMA, "draft"),
    *(None, True, False, 0, 1, 1.5, [], ["category"], [1], {}, {"type": "string"}),
    *(["string", "null"], {"a": 1}, {"a": {"type": "string"}}, {"type": "object"}),
]
PLACES: dict[str, list[str]] = {
    "envelope": [],
    "schema": ["jsonSchema"],
    "property": ["jsonSchema", "properties", "category"],
    "product": ["jsonSchema", "properties", "productSku"],
}


def _keywords() -> set[str]:
    """Those of draft 2020-12, by the vocabularies that its authors publish."""
    folder = Path(str(files("jsonschema_specifications"))) / "schemas" / "draft202012"
    paths = [folder / "metaschema.json", *(folder / "vocabularies").iterdir()]
    found = {name for path in paths for name in json.loads(path.read_text())["properties"]}
    assert {"$ref", "prefixItems", "unevaluatedProperties", "maxLength", "definitions"} <= found
    return found


OURS = {"id", "jsonSchema", *ATTRIBUTES, MISPRINT, "showincontactcard", "x-anything"}


def errors(value: Any, name: str = "visit.json") -> set[str]:
    """The codes of what is wrong in a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(json.dumps(value), "utf-8")
        document = read_document(file)
    if document.error is not None:
        return {"EG100"}
    schemas = [schema for _, schema in document.schemas]
    findings = (finding for schema in schemas for finding in lint_schema(schema, "engage"))
    return {finding.code for finding in findings if finding.severity == "error"}


def differs(value: Any, name: str = "visit.json") -> bool:
    """Whether the schema and `lint` are of two minds."""
    return interaction.is_valid(value) == bool(errors(value, name) - BEYOND_A_SCHEMA)


def variants(place: str) -> Iterator[tuple[str, Any, Any]]:
    """The good schema with one key at the place taken out, or given each of the values."""
    for key in sorted(_keywords() | OURS):
        for value in [..., *VALUES]:
            made = deepcopy(GOOD)
            at = made
            for part in PLACES[place]:
                at = at[part]
            at.pop(key, None)
            if value is not ...:
                at[key] = value
            yield key, value, made


@pytest.mark.parametrize("place", PLACES)
def test_the_schema_refuses_what_lint_calls_an_error_and_nothing_else(place: str) -> None:
    found = [(key, value) for key, value, made in variants(place) if differs(made)]
    assert found == []


@pytest.mark.parametrize("place", [place for place in PLACES if place != "envelope"])
def test_so_it_does_without_an_envelope(place: str) -> None:
    bare = ((key, value, made["jsonSchema"]) for key, value, made in variants(place))
    found = [(key, value) for key, value, made in bare if differs(made)]
    assert found == []


@pytest.mark.parametrize("kind", [*TYPES, "object", None])
def test_a_format_has_the_same_verdict_with_every_type(kind: str | None) -> None:
    for value in VALUES:
        made = deepcopy(GOOD)
        made["jsonSchema"]["properties"]["category"] = {"type": kind, "format": value}
        assert not differs(made), value


@pytest.mark.parametrize("code", CASES)
def test_every_case_of_lint_has_the_same_verdict(code: str) -> None:
    schema, _ = CASES[code]
    assert not differs(schema)
    assert not differs([schema])
    assert not differs(schema["jsonSchema"])


@pytest.mark.parametrize("value", [*VALUES, {"$schema": JSON_SCHEMA}, {"properties": {}}, [[]]])
def test_what_is_no_schema_at_all_is_refused_as_by_lint(value: Any) -> None:
    assert not differs(value)
    assert not differs([GOOD, value])


@pytest.mark.parametrize(
    ("value", "missing"),
    [({}, "id"), ({"id": "visit"}, "jsonSchema"), ({"properties": {}}, "type")],
)
def test_a_file_that_is_not_finished_is_told_what_it_lacks(value: Any, missing: str) -> None:
    first = next(iter(interaction.iter_errors(value)))
    assert first.message == f'"{missing}" is a required property'


def test_a_list_is_of_envelopes_and_not_longer_than_the_platform_takes() -> None:
    many = [{**GOOD, "id": f"visit-{number}"} for number in range(MAX_SCHEMAS + 1)]
    assert not interaction.is_valid(many)
    assert interaction.is_valid(many[1:])
    assert not interaction.is_valid([GOOD["jsonSchema"]])


def test_an_envelope_may_say_where_its_own_schema_is() -> None:
    assert interaction.is_valid({"$schema": "../docs/interaction.schema.json", **GOOD})


@pytest.mark.parametrize("path", sorted(SEED.glob("*.json")), ids=lambda path: path.stem)
def test_the_schemas_of_the_example_tenant_are_accepted(path: Path) -> None:
    interaction.validate(json.loads(path.read_text("utf-8")))


def test_the_schemas_of_real_integrations_are_accepted(corpora: Path) -> None:
    paths = sorted((corpora / "engage" / "schemas").glob("*.json"))
    assert len(paths) >= 7
    for path in paths:
        interaction.validate(json.loads(path.read_text("utf-8")))


def test_the_schemas_of_other_systems_have_the_verdict_of_lint(corpora: Path) -> None:
    paths = sorted((corpora / "events" / "schemas").glob("*.json"))
    values = [json.loads(path.read_text("utf-8")) for path in paths]
    verdicts = [interaction.is_valid(value) for value in values]
    assert len(set(verdicts)) == 2
    assert [path.name for path, it in zip(paths, values, strict=True) if differs(it)] == []


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tests" / "cases").glob("*/schemas/*.json")),
    ids=lambda path: f"{path.parts[-3]}/{path.name}",
)
def test_the_schemas_of_the_cases_have_the_verdict_of_lint(path: Path) -> None:
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except ValueError:
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]+", path.stem):
        return
    assert not differs(value, path.name)


def test_what_the_editor_offers_is_what_there_is() -> None:
    described = INTERACTION["definitions"]["property"]["properties"]
    assert set(ATTRIBUTES) < set(described)
    assert described[MISPRINT]["doNotSuggest"]
    assert described["format"]["examples"] == list(FORMATS)
    for snippet in INTERACTION["defaultSnippets"]:
        interaction.validate(_inserted(snippet["bodyText"]))
    for snippet in INTERACTION["definitions"]["property"]["defaultSnippets"]:
        made = deepcopy(GOOD)
        made["jsonSchema"]["properties"]["category"] = _inserted(json.dumps(snippet["body"]))
        interaction.validate(made)


def _inserted(snippet: str) -> Any:
    """What a snippet is before anything is typed into it."""
    text = re.sub(r"\$\{\d\|(\w+),[^|]*\|\}", r"\1", snippet)
    return json.loads(re.sub(r"\$\{\d:([^}]*)\}", r"\1", text).replace(r"\$", "$"))


@pytest.mark.parametrize("schema", [INTERACTION, CONFIGURATION], ids=["interaction", "table"])
def test_everything_that_can_be_written_is_explained(schema: Any) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    silent = [
        name
        for name, said in _described(schema)
        if not {"description", "errorMessage"} & _meant(said, schema).keys()
    ]
    assert silent == []


def _described(schema: Any) -> Iterator[tuple[str, Any]]:
    """The keys that can be written, wherever; not those that a condition looks at."""
    yield from schema.get("properties", {}).items()
    inner = [
        schema[key] for key in ("items", "additionalProperties", "then", "else") if key in schema
    ]
    for key in ("properties", "patternProperties", "definitions"):
        inner += [it for name, it in schema.get(key, {}).items() if name != "isBare"]
    for one in [*inner, *schema.get("allOf", []), *schema.get("anyOf", [])]:
        if isinstance(one, dict):
            yield from _described(one)


def _meant(value: Any, schema: Any) -> Any:
    name = value.get("$ref", "").removeprefix("#/definitions/")
    return schema["definitions"][name] if name else value


def test_the_keys_are_those_of_the_configuration() -> None:
    assert set(CONFIGURATION["properties"]) == {*KEYS, "targets", "waivers"}
    assert set(CONFIGURATION["definitions"]["target"]["properties"]) == set(KEYS)


def test_the_choices_are_those_of_the_configuration() -> None:
    chosen = CONFIGURATION["definitions"]
    assert chosen["without"]["items"]["enum"] == list(PARTS)
    assert chosen["without"]["pattern"] == f"^({'|'.join(PARTS)})$"
    assert chosen["dialect"]["enum"] == list(DIALECTS)


def _table(text: str) -> Any:
    """The section as an editor hands it to a validator: a date is a string in JSON."""
    section = tomllib.loads(text)["tool"]["engage-codegen"]
    return json.loads(json.dumps(section, default=lambda value: value.isoformat()))


@pytest.fixture
def loads(tmp_path: Path) -> Callable[[str], bool]:
    """Whether the program takes a pyproject.toml."""

    def call(text: str) -> bool:
        (tmp_path / "pyproject.toml").write_text(text, "utf-8")
        try:
            for config in load(file=None, environ={}, flags={}, folder=tmp_path):
                assert config.file
        except ConfigError:
            return False
        return True

    return call


SECTION = "[tool.engage-codegen]\n"
WAIVER = (
    "[[tool.engage-codegen.waivers]]\n"
    'finding = "EG301:0123456789abcdef"\nreason = "until March"\nuntil = 2030-03-31\n'
)


@pytest.mark.parametrize(
    "text",
    [
        SECTION,
        f'{SECTION}output = "src/acme/engage_interactions"',
        f'{SECTION}output = "./acme/../acme/engage/"',
        f'{SECTION}output = "paket/återköp"',
        f'{SECTION}output = " acme "',
        f'{SECTION}base-url = ""',
        f'{SECTION}base-url = "http://127.0.0.1:8000"',
        f'{SECTION}schemas = "schemas"',
        f'{SECTION}schemas = ["schemas", "../more.json"]',
        f'{SECTION}without = "bulk"',
        f'{SECTION}without = ["bulk", "outbox", "bulk"]',
        f'{SECTION}api-version = "v2"\ndialect = "json-schema"\nbuild = "generate"',
        f'{SECTION}[tool.engage-codegen.renames]\na = "b"\n"a#/b" = "_c1"',
        f'{SECTION}[tool.engage-codegen.targets.a]\noutput = "a"\n'
        '[tool.engage-codegen.targets.B-2_]\noutput = "b"\nbuild = "check"',
        f"{SECTION}targets = {{}}\nwaivers = []",
        WAIVER,
        WAIVER + WAIVER,
        WAIVER.replace("[[", "[").replace("]]", "]"),
    ],
)
def test_a_table_that_the_program_takes_is_accepted(
    text: str, loads: Callable[[str], bool]
) -> None:
    assert loads(text)
    configuration.validate(_table(text))


TOML = (
    '"" "a" "v2" "v3" "bulk" "outbox" "testing" "engage" "json-schema" "check" "generate" '
    '"src/acme" "my-package" "src/1st" "." ".." "a\\nb" "EG301:0123456789abcdef" "EG301" '
    "3 1.5 true [] {} [3] [{}] [[]] "
    '["a"] ["bulk","testing"] ["a\\nb"] {a="b"} {a="1b"} {a="é"} {a=3} {a={}} {"a"={output="b"}}'
).split(" ")
DATES = ["2030-03-31", "2030-03-31T00:00:00", "2030-03-31T00:00:00Z", "12:00:00"]
"""Strings to a JSON Schema, so that it takes them where a string belongs."""
FIELDS = {"finding": '"EG301:0123456789abcdef"', "reason": '"r"', "until": "2030-03-31"}


def _tables(key: str) -> Iterator[str]:
    """The key with each of the values, in the section, in a target and in a waiver."""
    for value in [*TOML, *(DATES if key == "until" else [])]:
        yield f"{SECTION}{key} = {value}"
        yield f"{SECTION}[tool.engage-codegen.targets.a]\n{key} = {value}"
        fields = FIELDS | {key: value}
        lines = "\n".join(f"{name} = {it}" for name, it in fields.items())
        yield f"[[tool.engage-codegen.waivers]]\n{lines}"
        yield f"[tool.engage-codegen.waivers]\n{lines}"


@pytest.mark.parametrize("key", [*KEYS, "targets", "waivers", *FIELDS, "base_url", "api-key"])
def test_the_schema_refuses_what_the_program_refuses_and_nothing_else(
    key: str, loads: Callable[[str], bool]
) -> None:
    verdicts = [(text, loads(text), configuration.is_valid(_table(text))) for text in _tables(key)]
    assert [text for text, taken, accepted in verdicts if taken != accepted] == []


@pytest.mark.parametrize(
    "text",
    [
        f"{SECTION}[tool.engage-codegen.targets.'1 x']",
        f"{SECTION}[tool.engage-codegen.targets.a]\nwaivers = []",
        f"{SECTION}[tool.engage-codegen.targets.a]\ntargets = {{}}",
        *(re.sub(f"{field} = .*", "", WAIVER) for field in FIELDS),
        WAIVER + "by = 'me'",
    ],
)
def test_a_table_that_the_program_refuses_is_refused(
    text: str, loads: Callable[[str], bool]
) -> None:
    assert not loads(text)
    assert not configuration.is_valid(_table(text))


@pytest.mark.parametrize(
    "text",
    [
        f'{SECTION}output = "class"',
        WAIVER.replace("2030-03-31", '"2030-03-31"'),
        f"{SECTION}[tool.engage-codegen.targets.a]\n[tool.engage-codegen.targets.b]",
    ],
)
def test_what_a_schema_cannot_tell_is_left_to_the_program(
    text: str, loads: Callable[[str], bool]
) -> None:
    assert not loads(text)
    configuration.validate(_table(text))


def _examples() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = (
        block
        for page in pages
        for block in re.findall(
            r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    )
    return [block for block in blocks if "[tool.engage-codegen" in block]


@pytest.mark.parametrize("text", _examples())
def test_every_example_of_the_docs_is_accepted(text: str) -> None:
    configuration.validate(_table(text))


@pytest.mark.parametrize(
    "path",
    [ROOT / "pyproject.toml", *sorted((ROOT / "tests" / "cases").glob("*/pyproject.toml"))],
    ids=lambda path: path.parent.name,
)
def test_the_configurations_of_this_repository_have_the_verdict_of_the_program(
    path: Path, loads: Callable[[str], bool]
) -> None:
    text = path.read_text("utf-8")
    try:
        table = _table(text)
    except ValueError:
        return
    assert configuration.is_valid(table) == loads(text)
