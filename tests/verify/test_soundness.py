"""The types are true: generated validators against verdicts that nobody here made.

With ``ENGAGE_CODEGEN_FULL`` set (`make test-full`) all schemas are formatted, imported and
type-checked; else every twelfth of the large collection is.
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
from engage_codegen.model import dialect
from engage_codegen.schema.envelope import Schema
from engage_codegen.schema.names import name_properties, name_schemas
from tests.support.tool import Tool

IS_FULL = bool(os.environ.get("ENGAGE_CODEGEN_FULL"))
Item = dict[str, Any]

BY_DESIGN = ("leap second", "digits below a microsecond", "year 0")
"""What a datetime cannot hold is refused by name."""


def lines(path: Path) -> list[Item]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def refusals(item: Item) -> list[str]:
    """Why a schema does not become code."""
    schema = Schema(item["id"], item["displayName"], item["jsonSchema"], "corpus")
    return [problem.what for problem in dialect.problems(schema, "json-schema")]


def renames(item: Item) -> dict[str, str]:
    """The lines that settle the names of a schema, as the errors print them."""
    found: dict[str, str] = {}
    while True:
        try:
            name_properties(item["id"], item["jsonSchema"].get("properties", {}), found)
        except SchemaError as error:
            key, _, name = error.fix.partition("renames]: ")[2].rpartition(" = ")
            found[json.loads(key)] = f"{json.loads(name)}_{len(found)}"
        else:
            return found


class Package:
    """A package that was generated from schemas of a collection."""

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

    def kind(self, schema_id: str) -> Any:
        names = self.names[schema_id]
        module = importlib.import_module(f"{self.name}.{names.module}")
        return getattr(module, names.class_name)

    def verdict(self, schema_id: str, payload: Any) -> tuple[bool, str, Any]:
        """Whether a payload is accepted, why not, and what is made of it on the way back."""
        invalid = importlib.import_module(f"{self.name}._runtime.errors").InvalidPayload
        kind = self.kind(schema_id)
        try:
            made = kind.from_payload(payload)
        except invalid as error:
            return False, str(error), None
        again = made.to_payload()
        assert kind.from_payload(again) == made
        return True, "", again


@pytest.fixture
def package(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    made: list[str] = []

    def make(name: str, items: list[Item]) -> Package:
        made.append(name)
        return Package(project, name, items, tool)

    yield make
    for module in [it for it in sys.modules if it.partition(".")[0] in made]:
        del sys.modules[module]


def is_equivalent(one: Any, other: Any) -> bool:
    """The same JSON value, or another spelling of the same date, time or UUID."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _canonical(one) == _canonical(other)
    if isinstance(other, float) and isinstance(one, int):
        return Decimal(repr(one)) == Decimal(repr(other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _canonical(text: str) -> str:
    date, t, time = text.lower().partition("t")
    time = time.removesuffix("z") + ("+00:00" if time.endswith("z") else "")
    clock, sign, offset = time.rpartition("+") if "+" in time else time.rpartition("-")
    return f"{date}{t}{clock.rstrip('0').rstrip('.') if '.' in clock else clock}{sign}{offset}"


def test_every_case_of_the_official_suite_that_the_dialect_admits_passes(
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
    made = package("suite", admitted)
    for group in admitted:
        for test in group["tests"]:
            is_accepted, reason, again = made.verdict(group["id"], test["payload"])
            outcome = "passed" if is_accepted == test["valid"] else "failed"
            if outcome == "failed" and any(words in reason for words in BY_DESIGN):
                outcome = "refused by design"
            elif is_accepted:
                assert is_equivalent(again["value"], test["payload"]["value"])
            counts[outcome] += 1
            assert outcome != "failed", (group["displayName"], test, reason)
    print(dict(counts))
    assert counts["passed"] > 200


def test_no_payload_of_real_event_schemas_gets_a_wrong_verdict(corpora: Path, package: Any) -> None:
    schemas = [
        json.loads(path.read_text()) for path in sorted((corpora / "events/schemas").iterdir())
    ]
    declared = {it["id"]: set[str](it["jsonSchema"].get("properties", {})) for it in schemas}
    made = package("events", schemas)
    counts: Counter[str] = Counter()
    for case in lines(corpora / "events/payloads.jsonl"):
        payload: Item = case["payload"]
        is_closed = set[str](payload) <= declared[case["id"]]
        is_accepted, reason, again = made.verdict(case["id"], payload)
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


def test_schemas_cut_from_anywhere_generate_or_are_refused_by_name(
    corpora: Path, package: Any
) -> None:
    items: list[Item] = [
        {**item, "id": f"projected_{number}"}
        for number, item in enumerate(lines(corpora / "events/projected.jsonl"))
    ]
    refused = {item["id"]: refusals(item) for item in items if refusals(item)}
    assert len(refused) <= 2, refused
    assert all("(EG" in reason for reasons in refused.values() for reason in reasons)
    chosen = [item for item in items if item["id"] not in refused][:: 1 if IS_FULL else 12]
    made = package("projected", chosen)
    for item in chosen:
        kind = made.kind(item["id"])
        schema: Item = item["jsonSchema"]
        properties: dict[str, Item] = schema.get("properties", {})
        assert kind.__properties__ == frozenset(properties)
        source = (made.folder / made.name / f"{made.names[item['id']].module}.py").read_text()
        for value in properties.values():
            assert_texts_are_kept(source, value)
    type_check(made)


def assert_texts_are_kept(source: str, value: Item) -> None:
    """The words of a description are in the module, whatever had to be escaped between them."""
    words = [word for word in str(value.get("description", "")).split() if word.isalnum()]
    assert all(word in source for word in words)


def type_check(made: Package) -> None:
    config = made.folder / "pyrightconfig.json"
    config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    for command in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        done = subprocess.run(
            [str(Path(sys.executable).parent / command[0]), *command[1:], made.name],
            cwd=made.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
