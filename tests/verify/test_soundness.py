"""Generated classes agree with the verdicts of independent collections.

With ``ENGAGE_CODEGEN_FULL`` set (`make test-full`), all schemas are generated, imported and
type-checked, and otherwise every twelfth of the largest collection.
"""

import importlib
import json
import os
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
from tests.support.tool import Tool

IS_FULL = bool(os.environ.get("ENGAGE_CODEGEN_FULL"))
JsonDict = dict[str, Any]

BY_DESIGN = ("leap second", "digits below a microsecond", "year 0")
"""Values that a datetime cannot represent. Violations name them."""


def read_lines(path: Path) -> list[JsonDict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def problem_codes(item: JsonDict) -> list[str]:
    """Return the codes of the problems that keep a schema from becoming code."""
    schema = Schema(item["id"], item["displayName"], item["jsonSchema"], "corpus")
    return [problem.code for problem in find_problems(schema, "json-schema")]


def renames(item: JsonDict) -> dict[str, str]:
    """Return renames of the properties whose names cannot be used."""
    result: dict[str, str] = {}
    while True:
        try:
            name_properties(item["id"], item["jsonSchema"].get("properties", {}), result)
        except SchemaError as error:
            for problem in error.problems:
                key = rename_key(item["id"], problem.parts[-1])
                result[key] = f"renamed_{len(result)}"
        else:
            return result


class Package:
    """A package generated from schemas of a collection."""

    def __init__(self, folder: Path, name: str, items: list[JsonDict], tool: Tool) -> None:
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

    def verdict(self, schema_id: str, payload: Any) -> tuple[bool, str, Any]:
        """Return whether a payload is accepted, the message, and the payload written again."""
        invalid = importlib.import_module(f"{self.name}._runtime.errors").InvalidPayload
        payload_class = self.payload_class(schema_id)
        try:
            instance = payload_class.from_payload(payload)
        except invalid as error:
            return False, str(error), None
        again = instance.to_payload()
        assert payload_class.from_payload(again) == instance
        return True, "", again


@pytest.fixture
def package(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    names: list[str] = []

    def generate(name: str, items: list[JsonDict]) -> Package:
        names.append(name)
        return Package(project, name, items, tool)

    yield generate
    for module in [module for module in sys.modules if module.partition(".")[0] in names]:
        del sys.modules[module]


def is_equivalent(first: Any, second: Any) -> bool:
    """Return True for equal JSON values, and for spellings of the same date, time or UUID."""
    if isinstance(first, str) and isinstance(second, str):
        return first == second or _canonical(first) == _canonical(second)
    if isinstance(second, float) and isinstance(first, int):
        return Decimal(repr(first)) == Decimal(repr(second))
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def _canonical(text: str) -> str:
    date, t, time = text.lower().partition("t")
    time = time.removesuffix("z") + ("+00:00" if time.endswith("z") else "")
    clock, sign, offset = time.rpartition("+") if "+" in time else time.rpartition("-")
    return f"{date}{t}{clock.rstrip('0').rstrip('.') if '.' in clock else clock}{sign}{offset}"


def test_every_supported_case_of_the_official_suite_passes(corpora: Path, package: Any) -> None:
    counts: Counter[str] = Counter()
    groups = read_lines(corpora / "json-schema-test-suite/scalar.jsonl")
    admitted: list[JsonDict] = []
    for number, group in enumerate(groups):
        if group["format_annotation"]:
            counts["formats as annotations"] += len(group["tests"])  # ours are asserted
        elif problem_codes(group):
            counts["refused"] += len(group["tests"])
        else:
            admitted.append({**group, "id": f"group_{number}"})
    suite = package("suite", admitted)
    for group in admitted:
        for test in group["tests"]:
            is_accepted, reason, again = suite.verdict(group["id"], test["payload"])
            outcome = "passed" if is_accepted == test["valid"] else "failed"
            if outcome == "failed" and any(words in reason for words in BY_DESIGN):
                outcome = "refused by design"
            elif is_accepted:
                assert is_equivalent(again["value"], test["payload"]["value"])
            counts[outcome] += 1
            assert outcome != "failed", (group["displayName"], test, reason)
    print(dict(counts))
    assert counts["passed"] > 200


def test_every_payload_of_real_event_schemas_gets_the_right_verdict(
    corpora: Path, package: Any
) -> None:
    schemas = [
        json.loads(path.read_text()) for path in sorted((corpora / "events/schemas").iterdir())
    ]
    declared = {item["id"]: set[str](item["jsonSchema"].get("properties", {})) for item in schemas}
    events = package("events", schemas)
    counts: Counter[str] = Counter()
    for case in read_lines(corpora / "events/payloads.jsonl"):
        payload: JsonDict = case["payload"]
        is_closed = set[str](payload) <= declared[case["id"]]
        is_accepted, reason, again = events.verdict(case["id"], payload)
        is_valid = case["valid_format"] and is_closed
        if not is_accepted and is_valid and any(words in reason for words in BY_DESIGN):
            counts[next(words for words in BY_DESIGN if words in reason)] += 1
            continue
        assert is_accepted == is_valid, (case, reason)
        counts["accepted" if is_accepted else "refused"] += 1
        if is_accepted:
            assert again.keys() == payload.keys(), case
            assert all(is_equivalent(again[name], payload[name]) for name in payload), (case, again)
    print(dict(counts))
    assert sum(counts[words] for words in BY_DESIGN) <= 23
    assert counts["accepted"] > 1000 < counts["refused"]


def test_schemas_from_anywhere_generate_or_are_refused_with_a_code(
    corpora: Path, package: Any
) -> None:
    items: list[JsonDict] = [
        {**item, "id": f"projected_{number}"}
        for number, item in enumerate(read_lines(corpora / "events/projected.jsonl"))
    ]
    refused = {item["id"]: problem_codes(item) for item in items if problem_codes(item)}
    assert len(refused) <= 2, refused
    assert all(code.startswith("EG2") for codes in refused.values() for code in codes)
    chosen = [item for item in items if item["id"] not in refused][:: 1 if IS_FULL else 12]
    projected = package("projected", chosen)
    for item in chosen:
        payload_class = projected.payload_class(item["id"])
        schema: JsonDict = item["jsonSchema"]
        properties: dict[str, JsonDict] = schema.get("properties", {})
        assert payload_class.__properties__ == frozenset(properties)
        module = projected.names[item["id"]].module
        source = (projected.folder / projected.name / f"{module}.py").read_text()
        for value in properties.values():
            assert_description_is_in(source, value)
    type_check(projected)


def assert_description_is_in(source: str, value: JsonDict) -> None:
    """Assert that a module has all words of a description, whatever is escaped between them."""
    words = [word for word in str(value.get("description", "")).split() if word.isalnum()]
    assert all(word in source for word in words)


def type_check(package: Package) -> None:
    config = package.folder / "pyrightconfig.json"
    config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    for command in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        process = subprocess.run(
            [str(Path(sys.executable).parent / command[0]), *command[1:], package.name],
            cwd=package.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stdout[-3000:]
