"""Generated payload classes agree with independent verdicts on public collections of schemas.

`make test-full` formats, imports and type-checks all schemas, `make test` those of the large
collection with a keyword, type or format that no schema before them has.
"""

import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.errors import SchemaError
from engage_codegen.model.dialect import find_problems
from engage_codegen.schema.envelope import Schema
from engage_codegen.schema.names import name_properties, name_schemas, rename_key
from tests.support.paths import SCRIPTS
from tests.support.tiers import IS_FULL
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

Item = dict[str, Any]

BY_DESIGN = {"leap-second", "precision", "year-zero"}
"""The codes of violations by values that are valid, but that a datetime cannot represent."""


def lines(path: Path) -> list[Item]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def refusals(item: Item) -> list[str]:
    """Return the codes of the problems that keep a schema from becoming code."""
    schema = Schema(item["id"], item["displayName"], item["jsonSchema"], "corpus")
    return [problem.code for problem in find_problems(schema, "json-schema")]


def renames(item: Item) -> dict[str, str]:
    """Return renames of the properties whose names cannot be used."""
    proposed: dict[str, str] = {}
    while True:
        try:
            name_properties(item["id"], item["jsonSchema"].get("properties", {}), proposed)
        except SchemaError as error:
            for problem in error.problems:
                key = rename_key(item["id"], problem.parts[-1])
                proposed[key] = f"renamed_{len(proposed)}"
        else:
            return proposed


class Package:
    """A package that is generated from schemas of a collection."""

    def __init__(self, folder: Path, name: str, items: list[Item], tool: Tool) -> None:
        self.folder, self.name = folder, name
        source = folder / f"{name}.json"
        source.write_text(
            json.dumps([{**item, "displayName": item["displayName"]} for item in items])
        )
        chosen = {key: value for item in items for key, value in renames(item).items()}
        table = "".join(
            f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in chosen.items()
        )
        config = folder / "pyproject.toml"
        config.write_text(
            "[tool.engage-codegen]\n"
            'dialect = "json-schema"\nwithout = ["bulk", "outbox", "testing"]\n'
            f"schemas = [{json.dumps(source.name)}]\noutput = {json.dumps(name)}\n"
            f"[tool.engage-codegen.renames]\n{table}",
            encoding="utf-8",
        )
        outcome = tool("generate", "--config", config)
        assert outcome.code == 0, outcome.err
        self.names = name_schemas([item["id"] for item in items], chosen)

    def payload_class(self, schema_id: str) -> Any:
        names = self.names[schema_id]
        module = importlib.import_module(f"{self.name}.{names.module}")
        return getattr(module, names.class_name)

    def read(self, schema_id: str, payload: Any) -> tuple[set[str], Any]:
        """Return the codes of the violations, and the payload after a round trip."""
        invalid = importlib.import_module(f"{self.name}._runtime.errors").InvalidPayloadError
        payload_class = self.payload_class(schema_id)
        try:
            instance = payload_class.from_payload(payload)
        except invalid as error:
            return {violation.code for violation in error.violations}, None
        written = instance.to_payload()
        assert payload_class.from_payload(written) == instance
        return set(), written


@pytest.fixture
def package(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    names: list[str] = []

    def generate(name: str, items: list[Item]) -> Package:
        names.append(name)
        return Package(project, name, items, tool)

    yield generate
    for module in [module for module in sys.modules if module.partition(".")[0] in names]:
        del sys.modules[module]


def is_equivalent(left: Any, right: Any) -> bool:
    """Return True for the same JSON value, or another spelling of a date, time or UUID."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or _canonical(left) == _canonical(right)
    if isinstance(right, float) and isinstance(left, int):
        return Decimal(repr(left)) == Decimal(repr(right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _canonical(text: str) -> str:
    date, t, time = text.lower().partition("t")
    time = time.removesuffix("z") + ("+00:00" if time.endswith("z") else "")
    clock, sign, offset = time.rpartition("+") if "+" in time else time.rpartition("-")
    return f"{date}{t}{clock.rstrip('0').rstrip('.') if '.' in clock else clock}{sign}{offset}"


def test_every_case_of_the_official_suite_that_the_dialect_supports_passes(
    corpora: Path, package: Any
) -> None:
    counts: Counter[str] = Counter()
    groups = lines(corpora / "json-schema-test-suite/scalar.jsonl")
    admitted: list[Item] = []
    for number, group in enumerate(groups):
        if group["format_annotation"]:
            counts["formats as annotations"] += len(group["tests"])  # ours are asserted
        elif refusals(group):
            counts["refused"] += len(group["tests"])
        else:
            admitted.append({**group, "id": f"group_{number}"})
    generated = package("suite", admitted)
    for group in admitted:
        for test in group["tests"]:
            codes, written = generated.read(group["id"], test["payload"])
            outcome = "passed" if (not codes) == test["valid"] else "failed"
            if outcome == "failed" and codes & BY_DESIGN:
                outcome = "refused by design"
            elif not codes:
                assert is_equivalent(written["value"], test["payload"]["value"])
            counts[outcome] += 1
            assert outcome != "failed", (group["displayName"], test, codes)
    print(dict(counts))
    assert counts["passed"] > 200


def test_payloads_of_real_event_schemas_are_accepted_if_and_only_if_they_are_valid(
    corpora: Path, package: Any
) -> None:
    schemas = [
        json.loads(path.read_text()) for path in sorted((corpora / "events/schemas").iterdir())
    ]
    declared = {
        schema["id"]: set[str](schema["jsonSchema"].get("properties", {})) for schema in schemas
    }
    generated = package("events", schemas)
    counts: Counter[str] = Counter()
    for case in lines(corpora / "events/payloads.jsonl"):
        payload: Item = case["payload"]
        is_closed = set[str](payload) <= declared[case["id"]]
        codes, written = generated.read(case["id"], payload)
        is_valid = case["valid_format"] and is_closed
        if is_valid and codes & BY_DESIGN:
            counts["refused by design"] += 1
            continue
        assert (not codes) == is_valid, (case, codes)
        counts["refused" if codes else "accepted"] += 1
        if not codes:
            assert written.keys() == payload.keys(), case
            assert all(is_equivalent(written[name], payload[name]) for name in payload), case
    print(dict(counts))
    assert counts["refused by design"] <= 23
    assert counts["accepted"] > 1000 < counts["refused"]


def test_parts_of_public_schemas_generate_code_or_are_refused_with_a_code(
    corpora: Path, package: Any
) -> None:
    items: list[Item] = [
        {**item, "id": f"projected_{number}"}
        for number, item in enumerate(lines(corpora / "events/projected.jsonl"))
    ]
    refused = {item["id"]: refusals(item) for item in items if refusals(item)}
    assert len(refused) <= 2, refused
    assert all(code.startswith("EG2") for codes in refused.values() for code in codes)
    admitted = [item for item in items if item["id"] not in refused]
    chosen = admitted if IS_FULL else choose_varied(admitted)
    assert len(chosen) > 50
    generated = package("projected", chosen)
    for item in chosen:
        payload_class = generated.payload_class(item["id"])
        schema: Item = item["jsonSchema"]
        properties: dict[str, Item] = schema.get("properties", {})
        assert payload_class.__properties__ == frozenset(properties)
        module = generated.names[item["id"]].module
        source = (generated.folder / generated.name / f"{module}.py").read_text()
        for value in properties.values():
            assert_description_is_in(source, value)
    type_check(generated)


def choose_varied(items: list[Item]) -> list[Item]:
    """Return the schemas with a keyword, type or format that no schema before them has."""
    chosen: list[Item] = []
    known: set[str] = set()
    for item in items:
        properties: dict[str, Item] = item["jsonSchema"].get("properties", {})
        traits = {*item["jsonSchema"]}
        for value in properties.values():
            traits |= {*value, f"{value.get('type')}", f"{value.get('format')}"}
        if not traits <= known:
            chosen.append(item)
            known |= traits
    return chosen


def assert_description_is_in(source: str, value: Item) -> None:
    """Assert that the words of a description are in the module, whatever had to be escaped."""
    words = [word for word in str(value.get("description", "")).split() if word.isalnum()]
    assert all(word in source for word in words)


def type_check(package: Package) -> None:
    config = package.folder / "pyrightconfig.json"
    config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    for command in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        result = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:], package.name],
            cwd=package.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout[-3000:]
