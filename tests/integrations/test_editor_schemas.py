"""The JSON Schemas for editors agree with `lint` and with the configuration, as far as they can."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
import pytest

from engage_codegen.config import KEYS, PARTS, load
from engage_codegen.contract.files import KEYWORDS as CONTRACT_KEYWORDS
from engage_codegen.contract.files import parse_contract
from engage_codegen.errors import ConfigError, Location
from engage_codegen.lint.attributes import ATTRIBUTES, MISPRINT
from engage_codegen.lint.rules import MAX_SCHEMAS
from engage_codegen.lint.verdicts import lint_schema
from engage_codegen.model.constraints import TYPES
from engage_codegen.model.dialect import FORMATS, JSON_SCHEMA
from engage_codegen.schema.envelope import DIALECTS
from engage_codegen.sources.documents import read_document
from tests.support.lint_cases import CASES, GOOD
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

SEED = ROOT / "codegen" / "engage_codegen" / "sandbox" / "seed" / "schemas"
FILES = ROOT / "codegen/engage_codegen/integrations/files"
INTERACTION = json.loads((FILES / "interaction.schema.json").read_text("utf-8"))
CONFIGURATION = json.loads((FILES / "configuration.schema.json").read_text("utf-8"))
CONTRACT = json.loads((FILES / "contract.schema.json").read_text("utf-8"))
interaction = jsonschema_rs.validator_for(INTERACTION)
configuration = jsonschema_rs.validator_for(CONFIGURATION, validate_formats=True)
contract = jsonschema_rs.validator_for(CONTRACT)

BEYOND_A_SCHEMA = {"EG110", "EG120", "EG206"}
"""Errors about the number of segmentation properties, about Python names, and about schemas without
a valid payload."""

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
    """Return the keywords of draft 2020-12, from the vocabularies that its authors publish."""
    folder = Path(str(files("jsonschema_specifications"))) / "schemas" / "draft202012"
    paths = [folder / "metaschema.json", *(folder / "vocabularies").iterdir()]
    names = {name for path in paths for name in json.loads(path.read_text())["properties"]}
    assert {"$ref", "prefixItems", "unevaluatedProperties", "maxLength", "definitions"} <= names
    return names


OTHER_KEYS = {"id", "jsonSchema", *ATTRIBUTES, MISPRINT, "showincontactcard", "x-anything"}


def errors(value: Any, name: str = "visit.json") -> set[str]:
    """Return the codes of the errors that `lint` finds in a file with this value and name."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(json.dumps(value), "utf-8")
        document = read_document(path)
    if document.error is not None:
        return {"EG100"}
    findings = [
        finding for _, schema in document.schemas for finding in lint_schema(schema, "engage")
    ]
    return {finding.code for finding in findings if finding.severity == "error"}


def differs(value: Any, name: str = "visit.json") -> bool:
    """Return True if the JSON Schema and `lint` disagree about a file."""
    return interaction.is_valid(value) == bool(errors(value, name) - BEYOND_A_SCHEMA)


def variants(place: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the good schema with one key at the place removed, or set to each of the values."""
    for key in sorted(_keywords() | OTHER_KEYS):
        for value in [..., *VALUES]:
            schema = deepcopy(GOOD)
            table = schema
            for part in PLACES[place]:
                table = table[part]
            table.pop(key, None)
            if value is not ...:
                table[key] = value
            yield key, value, schema


@pytest.mark.parametrize("place", PLACES)
def test_the_schema_rejects_the_errors_of_lint_and_nothing_else(place: str) -> None:
    assert [(key, value) for key, value, schema in variants(place) if differs(schema)] == []


@pytest.mark.parametrize("place", [place for place in PLACES if place != "envelope"])
def test_the_schema_agrees_with_lint_without_an_envelope(place: str) -> None:
    bare = ((key, value, schema["jsonSchema"]) for key, value, schema in variants(place))
    assert [(key, value) for key, value, schema in bare if differs(schema)] == []


@pytest.mark.parametrize("kind", [*TYPES, "object", None])
def test_the_schema_agrees_with_lint_about_formats_of_every_type(kind: str | None) -> None:
    for value in VALUES:
        schema = deepcopy(GOOD)
        schema["jsonSchema"]["properties"]["category"] = {"type": kind, "format": value}
        assert not differs(schema), value


@pytest.mark.parametrize("code", CASES)
def test_the_schema_agrees_with_lint_about_every_case_of_lint(code: str) -> None:
    schema, _ = CASES[code]
    assert not differs(schema)
    assert not differs([schema])
    assert not differs(schema["jsonSchema"])


@pytest.mark.parametrize("value", [*VALUES, {"$schema": JSON_SCHEMA}, {"properties": {}}, [[]]])
def test_the_schema_agrees_with_lint_about_values_that_are_not_schemas(value: Any) -> None:
    assert not differs(value)
    assert not differs([GOOD, value])


@pytest.mark.parametrize(
    ("value", "missing"),
    [({}, "id"), ({"id": "visit"}, "jsonSchema"), ({"properties": {}}, "$schema")],
)
def test_the_first_error_of_an_unfinished_file_names_the_missing_key(
    value: Any, missing: str
) -> None:
    first = next(iter(interaction.iter_errors(value)))
    assert first.message == f'"{missing}" is a required property'


def test_a_list_holds_envelopes_and_no_more_than_the_platform_allows() -> None:
    many = [{**GOOD, "id": f"visit-{number}"} for number in range(MAX_SCHEMAS + 1)]
    assert not interaction.is_valid(many)
    assert interaction.is_valid(many[1:])
    assert not interaction.is_valid([GOOD["jsonSchema"]])


def test_an_envelope_may_reference_the_schema_for_editors() -> None:
    assert interaction.is_valid({"$schema": "../docs/interaction.schema.json", **GOOD})


@pytest.mark.parametrize("path", sorted(SEED.glob("*.json")), ids=lambda path: path.stem)
def test_the_schemas_of_the_example_tenant_are_accepted(path: Path) -> None:
    interaction.validate(json.loads(path.read_text("utf-8")))


def test_the_schemas_of_real_integrations_are_accepted(corpora: Path) -> None:
    paths = sorted((corpora / "engage" / "schemas").glob("*.json"))
    assert len(paths) >= 7
    for path in paths:
        interaction.validate(json.loads(path.read_text("utf-8")))


def test_the_schema_agrees_with_lint_about_schemas_of_other_systems(corpora: Path) -> None:
    paths = sorted((corpora / "events" / "schemas").glob("*.json"))
    values = [json.loads(path.read_text("utf-8")) for path in paths]
    assert not any(interaction.is_valid(value) for value in values)
    assert [path.name for path, value in zip(paths, values, strict=True) if differs(value)] == []


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tests" / "cases").glob("*/schemas/*.json")),
    ids=lambda path: f"{path.parts[-3]}/{path.name}",
)
def test_the_schema_agrees_with_lint_about_the_golden_cases(path: Path) -> None:
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except ValueError:
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]+", path.stem):
        return
    assert not differs(value, path.name)


def test_the_editor_offers_every_attribute_and_valid_snippets() -> None:
    described = INTERACTION["definitions"]["property"]["properties"]
    assert set(ATTRIBUTES) < set(described)
    assert described[MISPRINT]["doNotSuggest"]
    assert described["format"]["examples"] == list(FORMATS)
    for snippet in INTERACTION["defaultSnippets"]:
        interaction.validate(_insert(snippet["bodyText"]))
    for snippet in INTERACTION["definitions"]["property"]["defaultSnippets"]:
        schema = deepcopy(GOOD)
        schema["jsonSchema"]["properties"]["category"] = _insert(json.dumps(snippet["body"]))
        interaction.validate(schema)


def _insert(snippet: str) -> Any:
    """Return the value of a snippet with its default texts."""
    text = re.sub(r"\$\{\d\|(\w+),[^|]*\|\}", r"\1", snippet)
    return json.loads(re.sub(r"\$\{\d:([^}]*)\}", r"\1", text).replace(r"\$", "$"))


@pytest.mark.parametrize(
    "schema",
    [INTERACTION, CONFIGURATION, CONTRACT],
    ids=["interaction", "table", "contract"],
)
def test_every_key_has_a_description(schema: Any) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    undescribed = [
        name
        for name, value in _find_keys(schema)
        if not {"description", "errorMessage"} & _resolve(value, schema).keys()
    ]
    assert undescribed == []


def _find_keys(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys that a user can write, at any depth, without those of conditions."""
    yield from schema.get("properties", {}).items()
    inner = [
        schema[key] for key in ("items", "additionalProperties", "then", "else") if key in schema
    ]
    for key in ("properties", "patternProperties", "definitions"):
        inner += [value for name, value in schema.get(key, {}).items() if name != "isBare"]
    for value in [*inner, *schema.get("allOf", []), *schema.get("anyOf", [])]:
        if isinstance(value, dict):
            yield from _find_keys(value)


def _resolve(value: Any, schema: Any) -> Any:
    name = value.get("$ref", "").removeprefix("#/definitions/")
    return schema["definitions"][name] if name else value


def test_the_keys_are_those_of_the_configuration() -> None:
    assert set(CONFIGURATION["properties"]) == {*KEYS, "targets", "waivers"}
    assert set(CONFIGURATION["definitions"]["target"]["properties"]) == set(KEYS)


def test_the_choices_are_those_of_the_configuration() -> None:
    definitions = CONFIGURATION["definitions"]
    assert definitions["without"]["items"]["enum"] == list(PARTS)
    assert definitions["without"]["pattern"] == f"^({'|'.join(PARTS)})$"
    assert definitions["dialect"]["enum"] == list(DIALECTS)


def _table(text: str) -> Any:
    """Return the section as an editor passes it to a validator: a date is a string in JSON."""
    section = tomllib.loads(text)["tool"]["engage-codegen"]
    return json.loads(json.dumps(section, default=lambda value: value.isoformat()))


@pytest.fixture
def loads(tmp_path: Path) -> Callable[[str], bool]:
    """Return True if the program accepts a pyproject.toml, two folders below its repository."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)

    def call(text: str) -> bool:
        (folder / "pyproject.toml").write_text(text, "utf-8")
        try:
            for config in load(file=None, environ={}, flags={}, folder=folder):
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
        f'{SECTION}required-version = "0.1.0"',
        f'{SECTION}api-version = "v2"\ndialect = "json-schema"\nbuild = "generate"',
        f'{SECTION}[tool.engage-codegen.renames]\na = "b"\n"a#/b" = "_c1"',
        f'{SECTION}[tool.engage-codegen.targets.a]\noutput = "a"\n'
        '[tool.engage-codegen.targets.B-2_]\noutput = "b"\nbuild = "check"',
        f"{SECTION}targets = {{}}\nwaivers = []",
        WAIVER,
        WAIVER + WAIVER,
        WAIVER.replace("[[", "[").replace("]]", "]"),
        WAIVER + 'owner = "reviews@acme.example"',
    ],
)
def test_a_table_that_the_program_accepts_is_valid(text: str, loads: Callable[[str], bool]) -> None:
    assert loads(text)
    configuration.validate(_table(text))


TOML = (
    '"" "a" "v2" "v3" "bulk" "outbox" "testing" "engage" "json-schema" "check" "generate" '
    '"src/acme" "my-package" "src/1st" "." ".." "a\\nb" "EG301:0123456789abcdef" "EG301" '
    "3 1.5 true [] {} [3] [{}] [[]] "
    '["a"] ["bulk","testing"] ["a\\nb"] {a="b"} {a="1b"} {a="é"} {a=3} {a={}} {"a"={output="b"}}'
).split(" ")
DATES = ["2030-03-31", "2030-03-31T00:00:00", "2030-03-31T00:00:00Z", "12:00:00"]
"""Dates are strings for a JSON Schema, so it accepts them for keys with strings."""
FIELDS = {"finding": '"EG301:0123456789abcdef"', "reason": '"r"', "until": "2030-03-31"}


def _tables(key: str) -> Iterator[str]:
    """Yield the key with each of the values, in the section, in a target and in a waiver."""
    for value in [*TOML, *(DATES if key == "until" else [])]:
        yield f"{SECTION}{key} = {value}"
        yield f"{SECTION}[tool.engage-codegen.targets.a]\n{key} = {value}"
        fields = FIELDS | {key: value}
        lines = "\n".join(f"{name} = {text}" for name, text in fields.items())
        yield f"[[tool.engage-codegen.waivers]]\n{lines}"
        yield f"[tool.engage-codegen.waivers]\n{lines}"


@pytest.mark.parametrize(
    "key", [*KEYS, "targets", "waivers", *FIELDS, "owner", "base_url", "api-key"]
)
def test_a_table_is_valid_if_and_only_if_the_program_accepts_it(
    key: str, loads: Callable[[str], bool]
) -> None:
    verdicts = [(text, loads(text), configuration.is_valid(_table(text))) for text in _tables(key)]
    assert [text for text, accepted, valid in verdicts if accepted != valid] == []


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
def test_a_table_that_the_program_refuses_is_invalid(
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
def test_an_error_that_a_json_schema_cannot_express_is_left_to_the_program(
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
def test_every_example_of_the_docs_is_valid(text: str) -> None:
    configuration.validate(_table(text))


@pytest.mark.parametrize(
    "path",
    [ROOT / "pyproject.toml", *sorted((ROOT / "tests" / "cases").glob("*/pyproject.toml"))],
    ids=lambda path: path.parent.name,
)
def test_the_schema_agrees_with_the_program_about_the_configurations_of_this_repository(
    path: Path, loads: Callable[[str], bool]
) -> None:
    text = path.read_text("utf-8")
    try:
        table = _table(text)
    except ValueError:
        return
    assert configuration.is_valid(table) == loads(text)


def _accepts(text: str) -> bool:
    """Return True if the program reads a contract."""
    table = tomllib.loads(text)
    try:
        parse_contract("review", table, "review.toml", lambda _section, _key: Location())
    except ConfigError:
        return False
    return True


CONTRACT_VALUES = (
    '"" "a" "P2Y" "P18M" "P90D" "P" "2Y" "PT1H" "P1Y2M" "a\\nb" true false 0 1 -1 1.5 [] '
    '{} ["a"] [1] ["a",1] [{}] "string" "integer" "date" "direct" "indirect" "free-text" "none" "x"'
).split(" ")


def _contract_texts() -> Iterator[str]:
    for key in (*CONTRACT["properties"], "owners"):
        yield from (f"{key} = {value}" for value in CONTRACT_VALUES)
    for key in (*CONTRACT["definitions"]["property"]["properties"], "title"):
        yield from (f"[properties.a]\n{key} = {value}" for value in CONTRACT_VALUES)
    yield "[properties]\na = 1"


def test_the_schema_of_contracts_agrees_with_the_program() -> None:
    """The program judges the values of keywords together with the schema, and so later."""
    assert set(CONTRACT["definitions"]["property"]["properties"]) == {
        *CONTRACT_KEYWORDS,
        *("required", "personal-data", "deprecated"),
    }
    counts = Counter[bool]()
    for text in _contract_texts():
        key = text.rpartition("\n")[2].partition(" ")[0]
        is_valid = contract.is_valid(json.loads(json.dumps(tomllib.loads(text))))
        counts[is_valid] += 1
        if key in CONTRACT_KEYWORDS:
            assert not is_valid or _accepts(text), text
        else:
            assert is_valid == _accepts(text), text
    assert min(counts.values()) > 50
