"""`verify` reports a sound package as sound, and everything that is broken on purpose."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from engage_codegen import pipeline, verify
from engage_codegen.config import PARTS, Config
from engage_codegen.errors import ConfigError, RenderError
from engage_codegen.schema.jsontext import JsonObject
from engage_codegen.schema.text import UNSAFE_IN_TEXT
from engage_codegen.verify import checkers
from engage_codegen.verify.cases import make_cases
from engage_codegen.verify.patterns import generate_strings
from engage_codegen.verify.results import CheckerResult, SchemaResult, Verification
from engage_codegen.verify.smallest import minimize
from engage_codegen.verify.values import Matching, list_candidates
from tests.support.paths import ROOT
from tests.support.tool import Tool, contents

pytestmark = pytest.mark.slow

SEED = ROOT / "codegen" / "engage_codegen" / "sandbox" / "seed" / "schemas"
EVERYTHING: JsonObject = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 5},
        "code": {"type": "string", "pattern": "^[A-Z]{2}\\d+$"},
        "grade": {"enum": [1, 2.5, "A", True, None]},
        "kind": {"const": "visit"},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "weight": {"type": "number", "exclusiveMinimum": 0, "maximum": 9.5, "multipleOf": 0.01},
        "value": {"type": ["string", "boolean", "null"], "maxLength": 3},
        "when": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "hour": {"type": "string", "format": "time"},
        "item": {"type": "string", "format": "uuid"},
        "flag": {"type": "boolean"},
    },
    "required": ["name", "kind"],
    "minProperties": 3,
    "maxProperties": 11,
    "dependentRequired": {"age": ["weight"], "code": ["flag", "item"]},
}
FLAG: JsonObject = {"type": "object", "properties": {"flag": {"type": "boolean"}}}
HOSTILE = "\x1b[31m\u202e\n'\"{{x}}"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the type checkers, which take longest, and generate strings once for each pattern."""
    monkeypatch.setattr(verify, "check_types", _check_nothing)
    monkeypatch.setattr(verify, "generate_strings", _generate_strings_once)


def _generate_strings_once(patterns: Iterable[str]) -> Matching:
    return _cached_strings(tuple(patterns))


@cache
def _cached_strings(patterns: tuple[str, ...]) -> Matching:
    return generate_strings(patterns)


def _check_nothing(_output: Path, _paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    return ()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A fresh package of EVERYTHING. Tests must not change it."""
    return _package(tmp_path_factory.mktemp("everything"), EVERYTHING)


@pytest.fixture
def copy(everything: Config, tmp_path: Path) -> Config:
    """A copy of the package that tests can break."""
    shutil.copytree(everything.output, tmp_path / "package")
    return replace(everything, output=tmp_path / "package")


def _package(
    folder: Path,
    schema: Mapping[str, object],
    schema_id: str = "visit",
    without: tuple[str, ...] = (),
) -> Config:
    text = json.dumps({"id": schema_id, "displayName": "Visit", "jsonSchema": schema})
    (folder / "schemas").mkdir()
    (folder / "schemas" / "visit.json").write_text(text)
    config = Config(
        output=folder / "package",
        schemas=(folder / "schemas",),
        dialect="json-schema",
        without=without,
    )
    pipeline.generate(config)
    return config


def _verify_schema(config: Config) -> SchemaResult:
    (result,) = verify.verify_package(config).schemas
    return result


def _break(config: Config, before: str, after: str, module: str = "visit") -> None:
    path = config.output / f"{module}.py"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_the_example_tenant_is_sound(project: Path, tool: Tool) -> None:
    assert tool("generate", "--schemas", SEED).code == 0
    before = contents(project)
    outcome = tool("verify", "--schemas", SEED)
    assert outcome.code == 0, outcome.out + outcome.err
    lines = outcome.out.splitlines()
    assert [line.split(":")[0] for line in lines[:6]] == sorted(
        path.stem for path in SEED.iterdir()
    )
    assert "mypy --strict: no errors" in lines
    assert "basedpyright strict: no errors" in lines
    assert lines[4].endswith("agree; additionalProperties, required, type")
    assert outcome.err.startswith("verified: ")
    assert contents(project) == before
    assert not list(project.rglob("__pycache__"))
    assert not [name for name in sys.modules if name.startswith("_engage_codegen_verified")]


def test_every_keyword_refuses_some_case(everything: Config, quick: None) -> None:
    result = _verify_schema(everything)
    assert result.is_sound, result
    assert result.agreements + result.by_design == result.cases > 2000
    assert result.by_design > 0
    assert result.unreached == result.valueless == ()
    properties = EVERYTHING["properties"]
    assert isinstance(properties, dict)
    inner = {key for value in properties.values() if isinstance(value, dict) for key in value}
    outer = set(EVERYTHING) - {"properties"}
    assert set(result.keywords) == {*inner, *outer, "additionalProperties"}


def test_every_format_is_compared(tmp_path: Path, quick: None) -> None:
    from engage_codegen.verify.lookalikes import LOOKALIKES

    properties = {name: {"type": "string", "format": name} for name in LOOKALIKES}
    result = _verify_schema(_package(tmp_path, {"type": "object", "properties": properties}))
    assert result.is_sound, result.disagreements
    assert result.valueless == ()


BREAKS = {
    "a limit": ("max_length=5", "max_length=6", "name", "accepts", 6),
    "a limit that is too strict": ("max_length=5", "max_length=4", "name", "refuses", 5),
    "a pattern": (r"\\d+\\Z", r"\\d+$", "code", "accepts", None),
    "a bound": ("exclusive_maximum=150", "maximum=150", "age", "accepts", 150),
    "a step": ("multiple_of=0.01", "multiple_of=0.001", "weight", "accepts", None),
    "a type": (
        'reader.optional("flag", read_boolean)',
        'reader.optional("flag", lambda value: bool(value))',
        "flag",
        "accepts",
        None,
    ),
    "null": ('reader.unsettable("when"', 'reader.optional("when"', "when", "refuses", None),
    "a crash": ('reader.optional("day"', 'reader.optionally("day"', "", "raises", None),
    "a dependent property": ('("weight",)', "()", "", "accepts", None),
    "a closed class": (
        "cls.__schema_id__, payload, cls.__properties__)",
        "cls.__schema_id__, payload, payload.keys())",
        "",
        "accepts",
        None,
    ),
}


@pytest.mark.parametrize("part", BREAKS)
def test_a_broken_check_is_reported(part: str, copy: Config, quick: None) -> None:
    before, after, name, verdict, value = BREAKS[part]
    _break(copy, before, after)
    disagreements = [
        item for item in _verify_schema(copy).disagreements if item.ours.startswith(verdict)
    ]
    assert name in {item.property for item in disagreements}, disagreements
    first = next(item for item in disagreements if item.property == name)
    if not isinstance(first.payload, dict):
        assert verdict == "raises"
        return
    required = {"name", "kind", name, "weight", "flag", "item"}
    assert len(first.payload.keys() - required) <= 1, "it could be smaller"
    if isinstance(value, int):
        refused = first.payload[name]
        assert (len(refused) if isinstance(refused, str) else refused) == value


def test_a_broken_round_trip_is_reported(copy: Config, quick: None) -> None:
    _break(copy, 'payload["age"] = self.age', 'payload["age"] = (self.age or 0) // 2 * 2')
    result = _verify_schema(copy)
    assert result.disagreements == ()
    (loss,) = result.losses
    assert loss.property == "age"
    assert isinstance(loss.payload, dict)
    assert loss.payload.keys() == {"age", "kind", "name", "weight"}
    lines = list(Verification("x", (result,), ()).format_lines())
    assert any("changed by a round trip, 'age'" in line for line in lines)


def test_an_invalid_written_payload_is_reported(copy: Config, quick: None) -> None:
    _break(copy, "encode_date(self.day)", "encode_date(self.day) + ' '")
    (loss,) = _verify_schema(copy).losses
    assert (loss.property, loss.difference) == ("day", "is written as '2024-02-29 '")


def test_another_spelling_of_the_same_value_is_not_reported(copy: Config, quick: None) -> None:
    _break(copy, "encode_uuid(self.item)", "encode_uuid(self.item).upper()")
    assert _verify_schema(copy).is_sound


def test_without_jsonschema_rs_patterns_and_formats_are_unchecked(
    copy: Config, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    _break(copy, r"\\d+\\Z", r"\\d+$")
    verification = verify.verify_package(copy)
    (result,) = verification.schemas
    assert verification.oracle == "jsonschema"
    assert result.disagreements == ()
    assert result.unchecked > 500
    assert result.unchecked + result.agreements == result.cases
    assert {"pattern", "format", "multipleOf"} <= set(result.unreached)
    assert "pip install 'engage-codegen[verify]'" in verification.verdict


def test_cases_that_jsonschema_rs_is_known_to_judge_wrongly_are_unchecked(
    tmp_path: Path, quick: None
) -> None:
    texts = {
        "^[^]$": "a",
        r"\bfoo\b": "\u00e9foo",
        r"^(?=.*\d)[a-z\d]{3,8}$": "\u0d690000",
        "^.{2,4}$": "00\u2028",
    }
    properties = {
        f"p{number}": {"type": "string", "pattern": pattern, "examples": [texts[pattern]]}
        for number, pattern in enumerate(texts)
    }
    result = _verify_schema(_package(tmp_path, {"type": "object", "properties": properties}))
    assert result.is_sound, result.disagreements
    assert 0 < result.unchecked < result.cases / 2
    verdict = Verification("jsonschema-rs", (result,), ()).verdict
    assert verdict.endswith(f"{result.unchecked} of them unchecked")


def test_jsonschema_finds_a_broken_limit_too(
    copy: Config, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    _break(copy, "max_length=5", "max_length=6")
    (disagreement,) = _verify_schema(copy).disagreements
    assert (disagreement.property, disagreement.ours) == ("name", "accepts")


def test_without_any_validator_the_error_names_the_extra_to_install(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool("generate", "--schemas", SEED).code == 0
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    outcome = tool("verify", "--schemas", SEED)
    assert outcome.code == 2
    assert "pip install 'engage-codegen[verify]'" in outcome.err
    assert outcome.out == ""


def test_a_stale_package_is_not_imported(project: Path, tool: Tool) -> None:
    assert tool("generate", "--schemas", SEED).code == 0
    output = project / "engage_interactions"
    (output / "repair.py").write_text("raise SystemExit('was run')")
    outcome = tool("verify", "--schemas", SEED)
    assert outcome.code == 1
    assert "edited by hand" in outcome.err
    (output / "repair.py").unlink()
    outcome = tool("verify", "--schemas", SEED)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: the package is not what generate would write\n---")
    assert "fix: engage-codegen generate, and commit the result" in outcome.err
    assert tool("generate", "--schemas", SEED).code == 0
    (output / "json.py").write_text("raise SystemExit('was run')")
    outcome = tool("verify", "--schemas", SEED)
    assert (outcome.code, outcome.out) == (1, "")
    assert "Python would import this" in outcome.err


def test_verify_and_check_report_a_missing_package_alike(project: Path, tool: Tool) -> None:
    assert tool("verify").code == tool("check").code == 2
    assert "error EG502: there is no snapshot to generate from" in tool("check").out
    assert "error: there is no snapshot to generate from" in tool("verify").err


def test_a_package_that_cannot_be_imported_is_reported_as_a_bug(copy: Config, quick: None) -> None:
    (copy.output / "visit.py").write_text("import nowhere_at_all\n")
    with pytest.raises(RenderError, match="nowhere_at_all"):
        verify.verify_package(copy)


def test_text_of_a_schema_is_escaped_in_the_report(tmp_path: Path, quick: None) -> None:
    properties = {HOSTILE: {"enum": [HOSTILE, "b"]}, "free": {"type": "string", "maxLength": 3}}
    schema = {"type": "object", "properties": properties, "required": [HOSTILE]}
    config = _package(tmp_path, schema)
    _break(config, "max_length=3", "max_length=2")
    verification = verify.verify_package(config)
    assert not verification.is_sound
    for line in verification.format_lines():
        assert not UNSAFE_IN_TEXT.search(line), line


def test_a_schema_that_the_validator_cannot_read_is_reported(tmp_path: Path, quick: None) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "minItems": HOSTILE}}}
    verification = verify.verify_package(_package(tmp_path, schema))
    assert not verification.is_sound
    assert verification.schemas[0].cases == 0
    lines = list(verification.format_lines())
    assert "cannot read the schema" in lines[1]
    assert not any(map(UNSAFE_IN_TEXT.search, lines))


@pytest.mark.parametrize(
    "annotations",
    [
        {"$id": "#/properties/a"},
        {"$id": "a#b"},
        {"$id": 5},
        {"$anchor": "#a"},
        {"$comment": 5},
        {"$schema": "http://json-schema.org/draft-03/schema#"},
        {"examples": "x", "deprecated": "yes", "title": 5},
    ],
)
def test_a_malformed_annotation_does_not_fail_the_package(
    annotations: JsonObject, tmp_path: Path, quick: None
) -> None:
    rule = {"type": "string", "maxLength": 2, **annotations}
    schema = {"type": "object", "properties": {"a": rule}}
    result = _verify_schema(_package(tmp_path, schema))
    assert (result.is_sound, result.cases > 0) == (True, True)


def test_a_property_without_a_valid_value_is_reported(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "generate_strings", generate_strings)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[A-Z]{2}$"}}}
    result = _verify_schema(_package(tmp_path, schema))
    assert result.valueless == ("a",)
    lines = Verification("x", (result,), ()).format_lines()
    assert any("add examples to the schema" in line for line in lines)


def test_examples_are_used_as_values_without_hypothesis(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "generate_strings", generate_strings)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert generate_strings(["^a$"])("^a$", 0, None) == []
    property_ = {"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["SE"]}
    result = _verify_schema(_package(tmp_path, {"type": "object", "properties": {"a": property_}}))
    assert (result.valueless, result.is_sound) == ((), True)


def test_cases_are_the_same_in_every_run() -> None:
    code = (
        "import json, sys; from engage_codegen.verify.cases import make_cases\n"
        "from engage_codegen.verify.patterns import generate_strings\n"
        "matching = generate_strings(['^[A-Z]{2}\\\\d+$', *sys.argv[1:]])\n"
        "cases = make_cases(json.load(sys.stdin), lambda name, value: value != '', matching)\n"
        "print(json.dumps(cases.payloads))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, *others],
            input=json.dumps(EVERYTHING),
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(ROOT / "codegen"), "PYTHONHASHSEED": seed},
        ).stdout
        for seed, others in (("1", []), ("2", [r"^\w{3}\S", "^a+$"]))
    }
    assert len(outputs) == 1
    assert re.search(r'"code": "[A-Z]{2}[0-9]+"', outputs.pop())


def test_generating_strings_leaves_no_files(project: Path) -> None:
    matching = generate_strings(["^a{2,9}$", "$a"])
    assert "aaa" in matching("^a{2,9}$", 3, 3)[:1]
    assert matching("$a", 0, None) == []
    assert list(project.iterdir()) == []


def _no_strings(_pattern: str, _shortest: int, _longest: int | None) -> list[str]:
    return []


def test_candidates_are_json_and_include_the_boundaries() -> None:
    numbers = list_candidates({"type": "integer", "minimum": 3, "maximum": 10**400}, _no_strings)
    assert json.loads(json.dumps(numbers)) == numbers
    assert all(number in numbers for number in (2, 3, 4, 10**400, 10**400 + 1, 10**400 - 1))
    assert not any(value in (float("inf"), float("-inf")) for value in numbers)
    values = list_candidates({"maxLength": 7}, _no_strings)
    lengths = {len(value) for value in values if isinstance(value, str)}
    assert {6, 7, 8} <= lengths


def test_payloads_respect_the_limits_of_the_object() -> None:
    schema: JsonObject = {
        "properties": {name: {"type": "string"} for name in "abcdef"},
        "required": ["b"],
        "dependentRequired": {"a": ["c", "d"], "d": ["e"]},
        "minProperties": 2,
        "maxProperties": 4,
    }
    payloads = make_cases(schema, lambda name, value: value == "a", _no_strings).payloads
    assert {"a": "a", "c": "a", "d": "a", "e": "a", "b": "a"} in payloads
    sizes = {len(payload) for payload in payloads if isinstance(payload, dict)}
    assert {1, 2, 4, 5} <= sizes


def test_a_payload_is_reduced_to_the_properties_that_matter() -> None:
    payload: JsonObject = {"a": 1, "b": 2, "c": 3}
    assert minimize(payload, lambda smaller: isinstance(smaller, dict) and "b" in smaller) == {
        "b": 2
    }
    assert minimize([payload], lambda smaller: True) == [payload]


def _write_tool(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


def test_installed_type_checkers_run_and_their_errors_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("")
    tools = tmp_path / "tools"
    tools.mkdir()
    _write_tool(tools, "mypy", "import sys; print('package/a.py:1: error: \\x1b[1m'); sys.exit(1)")
    _write_tool(tools, "pyright", "pass")
    _write_tool(tools, "ty", "import sys; print('panicked'); sys.exit(101)")
    monkeypatch.setattr(checkers, "find_command", partial(_find_in, tools))
    mypy, pyright, ty, pyrefly = checkers.check_types(tmp_path / "package", ["a.py"])
    assert mypy.errors == ("package/a.py:1: error: \x1b[1m",)
    assert pyright == CheckerResult("pyright strict", "pyright strict")
    assert ty.errors == ("panicked",)
    assert pyrefly == CheckerResult("pyrefly")
    lines = list(Verification("x", (), (mypy, pyright, ty, pyrefly)).format_lines())
    assert lines[1] == "  package/a.py:1: error: \\u001b[1m"
    assert lines[-1] == "pyrefly: not installed, not run"


def _find_in(folder: Path, name: str) -> str | None:
    return str(folder / name) if (folder / name).exists() else None


def test_a_type_error_is_reported(tmp_path: Path) -> None:
    config = _package(tmp_path, FLAG, without=PARTS)
    _break(config, "    flag: bool | None = None", "    flag: str | None = None")
    results = {result.name: result for result in verify.verify_package(config).checkers}
    assert any("visit.py" in line for line in results["mypy --strict"].errors)
    assert not results["pyright strict"].is_sound


def test_the_best_installed_validator_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from engage_codegen.verify.oracle import choose_oracle

    assert choose_oracle().name == "jsonschema-rs"
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    assert choose_oracle().name == "jsonschema"
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(ConfigError):
        choose_oracle()
