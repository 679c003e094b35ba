"""`verify`: sound where the package is, and a finding for each thing that is broken on purpose."""

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
from engage_codegen.config import Config
from engage_codegen.errors import ConfigError, RenderError
from engage_codegen.schema.jsontext import JsonObject
from engage_codegen.schema.text import UNSAFE_IN_TEXT
from engage_codegen.verify import checkers
from engage_codegen.verify.cases import cases
from engage_codegen.verify.compare import minimised
from engage_codegen.verify.patterns import strings
from engage_codegen.verify.results import Checked, Compared, Verification
from engage_codegen.verify.values import Matching, candidates
from tests.support.paths import ROOT
from tests.support.tool import Tool, contents

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
HOSTILE = "\x1b[31m\u202e\n'\"{{x}}"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The type checkers take longer than all the rest; strings are made once for each pattern."""
    monkeypatch.setattr(verify, "check_types", _nothing)
    monkeypatch.setattr(verify, "strings", _strings_once)


def _strings_once(patterns: Iterable[str]) -> Matching:
    return _strings(tuple(patterns))


@cache
def _strings(patterns: tuple[str, ...]) -> Matching:
    return strings(patterns)


def _nothing(_output: Path, _paths: Iterable[str]) -> tuple[Checked, ...]:
    return ()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A fresh package of EVERYTHING; not to be touched."""
    return _package(tmp_path_factory.mktemp("everything"), EVERYTHING)


@pytest.fixture
def copy(everything: Config, tmp_path: Path) -> Config:
    """One to break."""
    shutil.copytree(everything.output, tmp_path / "package")
    return replace(everything, output=tmp_path / "package")


def _package(folder: Path, schema: Mapping[str, object], schema_id: str = "visit") -> Config:
    text = json.dumps({"id": schema_id, "displayName": "Visit", "jsonSchema": schema})
    (folder / "schemas").mkdir()
    (folder / "schemas" / "visit.json").write_text(text)
    config = Config(output=folder / "package", schemas=(folder / "schemas",), dialect="json-schema")
    pipeline.generate(config)
    return config


def _one(config: Config) -> Compared:
    (found,) = verify.verify_package(config).schemas
    return found


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


def test_every_keyword_is_compared(everything: Config, quick: None) -> None:
    found = _one(everything)
    assert found.is_sound, found
    assert found.agreements + found.by_design == found.cases > 2000
    assert found.by_design > 0
    assert found.unreached == found.valueless == ()
    properties = EVERYTHING["properties"]
    assert isinstance(properties, dict)
    inner = {key for value in properties.values() if isinstance(value, dict) for key in value}
    outer = set(EVERYTHING) - {"properties"}
    assert set(found.keywords) == {*inner, *outer, "additionalProperties"}


def test_all_formats_are_compared(tmp_path: Path, quick: None) -> None:
    from engage_codegen.verify.lookalikes import LOOKALIKES

    properties = {name: {"type": "string", "format": name} for name in LOOKALIKES}
    found = _one(_package(tmp_path, {"type": "object", "properties": properties}))
    assert found.is_sound, found.disagreements
    assert found.valueless == ()


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


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_check_is_found(what: str, copy: Config, quick: None) -> None:
    before, after, name, verdict, value = BREAKS[what]
    _break(copy, before, after)
    found = [it for it in _one(copy).disagreements if it.ours.startswith(verdict)]
    assert name in {it.property for it in found}, found
    first = next(it for it in found if it.property == name)
    if not isinstance(first.payload, dict):
        assert verdict == "raises"
        return
    required = {"name", "kind", name, "weight", "flag", "item"}
    assert len(first.payload.keys() - required) <= 1, "it could be smaller"
    if isinstance(value, int):
        shown = first.payload[name]
        assert (len(shown) if isinstance(shown, str) else shown) == value


def test_a_broken_round_trip_is_found(copy: Config, quick: None) -> None:
    _break(copy, 'payload["age"] = self.age', 'payload["age"] = (self.age or 0) // 2 * 2')
    found = _one(copy)
    assert found.disagreements == ()
    (loss,) = found.losses
    assert loss.property == "age"
    assert isinstance(loss.payload, dict)
    assert loss.payload.keys() == {"age", "kind", "name", "weight"}
    lines = list(Verification("x", (found,), ()).lines())
    assert any("changed by a round trip, 'age'" in line for line in lines)


def test_what_is_written_has_to_be_valid(copy: Config, quick: None) -> None:
    _break(copy, "encode_date(self.day)", "encode_date(self.day) + ' '")
    (loss,) = _one(copy).losses
    assert (loss.property, loss.what) == ("day", "is written as '2024-02-29 '")


def test_another_spelling_of_the_same_is_no_loss(copy: Config, quick: None) -> None:
    _break(copy, "encode_uuid(self.item)", "encode_uuid(self.item).upper()")
    assert _one(copy).is_sound


def test_without_the_best_validator_patterns_and_formats_are_unchecked(
    copy: Config, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    _break(copy, r"\\d+\\Z", r"\\d+$")
    found = verify.verify_package(copy)
    (compared,) = found.schemas
    assert found.oracle == "jsonschema"
    assert compared.disagreements == ()
    assert compared.unchecked > 500
    assert compared.unchecked + compared.agreements == compared.cases
    assert {"pattern", "format", "multipleOf"} <= set(compared.unreached)
    assert "pip install 'engage-codegen[verify]'" in found.verdict


def test_where_the_best_validator_is_known_to_be_wrong_it_has_no_say(
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
    found = _one(_package(tmp_path, {"type": "object", "properties": properties}))
    assert found.is_sound, found.disagreements
    assert 0 < found.unchecked < found.cases / 2
    verdict = Verification("jsonschema-rs", (found,), ()).verdict
    assert verdict.endswith(f"{found.unchecked} of them unchecked")


def test_also_the_other_validator_finds_a_broken_limit(
    copy: Config, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    _break(copy, "max_length=5", "max_length=6")
    (found,) = _one(copy).disagreements
    assert (found.property, found.ours) == ("name", "accepts")


def test_without_any_validator_it_says_what_to_install(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool("generate", "--schemas", SEED).code == 0
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    outcome = tool("verify", "--schemas", SEED)
    assert outcome.code == 2
    assert "pip install 'engage-codegen[verify]'" in outcome.err
    assert outcome.out == ""


def test_a_stale_package_is_not_run(project: Path, tool: Tool) -> None:
    assert tool("generate", "--schemas", SEED).code == 0
    output = project / "engage_interactions"
    (output / "repair.py").write_text("raise SystemExit('was run')")
    outcome = tool("verify", "--schemas", SEED)
    assert outcome.code == 1
    assert "edited by hand" in outcome.err
    (output / "repair.py").unlink()
    outcome = tool("verify", "--schemas", SEED)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: stale: 1 file is not what generate would make")
    assert "fix: engage-codegen generate" in outcome.err


def test_a_missing_package_is_what_check_says_it_is(project: Path, tool: Tool) -> None:
    assert tool("verify").code == tool("check").code == 2
    assert tool("verify").err == tool("check").err


def test_a_package_that_cannot_be_imported_is_a_bug_of_ours(copy: Config, quick: None) -> None:
    (copy.output / "visit.py").write_text("import nowhere_at_all\n")
    with pytest.raises(RenderError, match="nowhere_at_all"):
        verify.verify_package(copy)


def test_hostile_text_is_shown_escaped(tmp_path: Path, quick: None) -> None:
    properties = {HOSTILE: {"enum": [HOSTILE, "b"]}, "free": {"type": "string", "maxLength": 3}}
    schema = {"type": "object", "properties": properties, "required": [HOSTILE]}
    config = _package(tmp_path, schema)
    _break(config, "max_length=3", "max_length=2")
    found = verify.verify_package(config)
    assert not found.is_sound
    for line in found.lines():
        assert not UNSAFE_IN_TEXT.search(line), line


def test_a_schema_that_the_validator_cannot_read_is_a_finding(tmp_path: Path, quick: None) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "minItems": HOSTILE}}}
    found = verify.verify_package(_package(tmp_path, schema))
    assert not found.is_sound
    assert found.schemas[0].cases == 0
    lines = list(found.lines())
    assert "cannot read the schema" in lines[1]
    assert not any(map(UNSAFE_IN_TEXT.search, lines))


def test_a_property_without_a_valid_value_is_named(tmp_path: Path, quick: None) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "$a"}}}
    found = _one(_package(tmp_path, schema))
    assert found.valueless == ("a",)
    assert "examples in the schema would help" in "\n".join(Verification("x", (found,), ()).lines())


def test_examples_are_values_where_nothing_else_is(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "strings", strings)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert strings(["^a$"])("^a$", 0, None) == []
    property_ = {"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["SE"]}
    found = _one(_package(tmp_path, {"type": "object", "properties": {"a": property_}}))
    assert (found.valueless, found.is_sound) == ((), True)


def test_the_cases_are_always_the_same() -> None:
    code = (
        "import json, sys; from engage_codegen.verify.cases import cases\n"
        "from engage_codegen.verify.patterns import strings\n"
        "matching = strings(['^[A-Z]{2}\\\\d+$', *sys.argv[1:]])\n"
        "made = cases(json.load(sys.stdin), lambda name, value: value != '', matching)\n"
        "print(json.dumps(made.payloads))"
    )
    made = {
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
    assert len(made) == 1
    assert re.search(r'"code": "[A-Z]{2}[0-9]+"', made.pop())


def test_strings_for_patterns_leave_nothing_behind(project: Path) -> None:
    matching = strings(["^a{2,9}$", "$a"])
    assert "aaa" in matching("^a{2,9}$", 3, 3)[:1]
    assert matching("$a", 0, None) == []
    assert list(project.iterdir()) == []


def _no_strings(_pattern: str, _shortest: int, _longest: int | None) -> list[str]:
    return []


def test_candidates_are_json_and_have_the_boundaries() -> None:
    found = candidates({"type": "integer", "minimum": 3, "maximum": 10**400}, _no_strings)
    assert json.loads(json.dumps(found)) == found
    assert all(number in found for number in (2, 3, 4, 10**400, 10**400 + 1, 10**400 - 1))
    assert not any(value in (float("inf"), float("-inf")) for value in found)
    lengths = {len(it) for it in candidates({"maxLength": 7}, _no_strings) if isinstance(it, str)}
    assert {6, 7, 8} <= lengths


def test_bases_keep_the_limits_of_the_object() -> None:
    schema: JsonObject = {
        "properties": {name: {"type": "string"} for name in "abcdef"},
        "required": ["b"],
        "dependentRequired": {"a": ["c", "d"], "d": ["e"]},
        "minProperties": 2,
        "maxProperties": 4,
    }
    made = cases(schema, lambda name, value: value == "a", _no_strings).payloads
    assert {"a": "a", "c": "a", "d": "a", "e": "a", "b": "a"} in made
    sizes = {len(payload) for payload in made if isinstance(payload, dict)}
    assert {1, 2, 4, 5} <= sizes


def test_a_payload_is_made_as_small_as_it_can_be() -> None:
    payload: JsonObject = {"a": 1, "b": 2, "c": 3}
    assert minimised(payload, lambda less: isinstance(less, dict) and "b" in less) == {"b": 2}
    assert minimised([payload], lambda less: True) == [payload]


def _tool(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


def test_type_checkers_are_found_and_their_errors_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("")
    tools = tmp_path / "tools"
    tools.mkdir()
    _tool(tools, "mypy", "import sys; print('package/a.py:1: error: \\x1b[1m'); sys.exit(1)")
    _tool(tools, "pyright", "pass")
    _tool(tools, "ty", "import sys; print('panicked'); sys.exit(101)")
    monkeypatch.setattr(checkers, "find", partial(_in, tools))
    mypy, pyright, ty, pyrefly = checkers.check_types(tmp_path / "package", ["a.py"])
    assert mypy.errors == ("package/a.py:1: error: \x1b[1m",)
    assert pyright == Checked("pyright strict", "pyright strict")
    assert ty.errors == ("panicked",)
    assert pyrefly == Checked("pyrefly")
    lines = list(Verification("x", (), (mypy, pyright, ty, pyrefly)).lines())
    assert lines[1] == "  package/a.py:1: error: \\u001b[1m"
    assert lines[-1] == "pyrefly: not installed, not run"


def _in(folder: Path, name: str) -> str | None:
    return str(folder / name) if (folder / name).exists() else None


def test_a_type_error_is_a_finding(copy: Config) -> None:
    _break(copy, "    flag: bool | None = None", "    flag: str | None = None")
    found = {it.name: it for it in verify.verify_package(copy).checkers}
    assert any("visit.py" in line for line in found["mypy --strict"].errors)
    assert not found["pyright strict"].is_sound


def test_the_choice_of_a_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    from engage_codegen.verify.oracle import choose

    assert choose().name == "jsonschema-rs"
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    assert choose().name == "jsonschema"
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(ConfigError):
        choose()
