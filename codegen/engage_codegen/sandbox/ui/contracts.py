"""The contracts of the example schemas: what the example project sends, which is less than the
platform accepts.

The API knows no contracts. The form that sends a test interaction starts with a payload within the
contract, and says where a payload is outside of it.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from jsonschema import Draft202012Validator

from engage_codegen.sandbox.marketing.contact_cards import get_declarations
from engage_codegen.sandbox.seed import CONTRACTS, SCHEMAS
from engage_codegen.sandbox.store.records import Json, JsonObject, StoredSchema

_OWN_KEYS = ("required", "personal-data", "deprecated")
_NUMBERS: dict[str, float] = {"integer": 1, "number": 1.5}
_DATE = "2026-03-14T09:26:53+00:00"


class _Problem(Protocol):
    message: str
    json_path: str


class _Validator(Protocol):
    def iter_errors(self, instance: Json) -> Iterator[_Problem]: ...


@dataclass(frozen=True, slots=True)
class Contract:
    """What a project sends of a schema: its owner, its purpose, and keywords for properties."""

    owner: str
    purpose: str
    keywords: Mapping[str, JsonObject]
    required: tuple[str, ...]

    def describe(self, name: str) -> str:
        """Say what the contract adds for a property."""
        rules = self.keywords.get(name, {}).items()
        texts = [f"{keyword}: {_format(value)}" for keyword, value in rules]
        return "; ".join([*texts, "always sent"] if name in self.required else texts)

    def list_violations(self, payload: str) -> list[str]:
        """Say where a payload in JSON is outside of the contract."""
        try:
            value: Json = json.loads(payload)
        except (ValueError, RecursionError):
            return []
        properties: Json = dict(self.keywords)
        validator = _build_validator({"properties": properties, "required": [*self.required]})
        return [_describe(problem) for problem in validator.iter_errors(value)]


def _build_validator(schema: JsonObject) -> _Validator:
    validator: _Validator = Draft202012Validator(schema)
    return validator


def _describe(problem: _Problem) -> str:
    place = problem.json_path.removeprefix("$").removeprefix(".")
    return f"{place}: {problem.message}" if place else problem.message


def _format(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(_format, value))
    return value if isinstance(value, str) else json.dumps(value)


def find_contract(schema: StoredSchema) -> Contract | None:
    """Return the contract of an example schema; None for any other, and for a changed one."""
    path, original = CONTRACTS / f"{schema.id}.toml", SCHEMAS / f"{schema.id}.json"
    if not path.is_file() or json.loads(original.read_bytes())["jsonSchema"] != schema.json_schema:
        return None
    table = tomllib.loads(path.read_text("utf-8"))
    rules: dict[str, JsonObject] = table.get("properties", {})
    return Contract(
        owner=table.get("owner", ""),
        purpose=table.get("purpose", ""),
        keywords={
            name: {key: value for key, value in rule.items() if key not in _OWN_KEYS}
            for name, rule in rules.items()
        },
        required=tuple(name for name, rule in rules.items() if rule.get("required")),
    )


def build_example(schema: StoredSchema, contract: Contract | None) -> str:
    """Build a payload to start with: every property, with a value that is within the contract."""
    payload = dict(_list_examples(schema, contract.keywords if contract else {}))
    return json.dumps(payload, indent=2, ensure_ascii=False)


def _list_examples(
    schema: StoredSchema, keywords: Mapping[str, JsonObject]
) -> Iterator[tuple[str, Json]]:
    for name, declaration in get_declarations(schema).items():
        declared = declaration if isinstance(declaration, dict) else {}
        yield name, _build_value(declared | keywords.get(name, {}))


def _build_value(rules: JsonObject) -> Json:
    choices = rules.get("enum")
    if "const" in rules:
        return rules["const"]
    if isinstance(choices, list) and choices:
        return choices[0]
    if rules.get("format") == "date-time":
        return _DATE
    type_name = str(rules.get("type"))
    if type_name not in _NUMBERS:
        return True if type_name == "boolean" else "text"
    number = _NUMBERS[type_name]
    least, most = rules.get("minimum"), rules.get("maximum")
    number = max(number, least) if isinstance(least, int | float) else number
    return min(number, most) if isinstance(most, int | float) else number
