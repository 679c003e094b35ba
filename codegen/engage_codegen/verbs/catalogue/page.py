"""The contents of the page of one schema, as text. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ...model.build import properties_of
from ...model.constraints import parse_constraints
from ...schema.contract import Contract, PersonalData, PropertyContract
from ...schema.envelope import Schema
from ...schema.jsontext import JsonObject
from .card import Card, draw_card, is_on_card, label_of
from .sample import full_payload
from .words import (
    NOT_CLASSIFIED,
    PERSONAL_DATA,
    describe_duration,
    describe_rules,
    describe_type,
)

_NO_CONTRACT = Contract("")
_NO_RULE = PropertyContract({})
_PRODUCT = "The product that the interaction is about."


@dataclass(frozen=True, slots=True)
class Field:
    """One property. `deprecated` is what to use instead, and empty if it is not deprecated."""

    label: str
    wire: str
    description: str
    type: str
    rules: tuple[str, ...]
    is_required: bool
    is_required_by_contract: bool
    has_contract_rules: bool
    personal_data: str
    personal_class: PersonalData | None
    uses: tuple[str, ...]
    deprecated: str


@dataclass(frozen=True, slots=True)
class SchemaPage:
    """Everything about one schema. `sample` are the lines of a payload in JSON."""

    id: str
    label: str
    description: str
    is_deprecated: bool
    has_contract: bool
    owner: str
    purpose: str
    retention: str
    fields: tuple[Field, ...]
    rules: tuple[str, ...]
    sample: tuple[str, ...]
    card: Card

    @property
    def personal_classes(self) -> tuple[tuple[PersonalData, int], ...]:
        """The classes of personal data that the schema has, with the number of their fields."""
        classes = [field.personal_class for field in self.fields]
        return tuple(
            (name, classes.count(name))
            for name in PERSONAL_DATA
            if name != "none" and name in classes
        )

    @property
    def unclassified(self) -> int:
        """The number of fields that nobody put into a class."""
        return sum(field.personal_class is None for field in self.fields)


def describe_page(schema: Schema) -> SchemaPage:
    """Return the contents of the page of a schema without problems."""
    contract = schema.contract or _NO_CONTRACT
    narrowed = schema.narrowed
    properties = properties_of(narrowed)
    values, payload = full_payload(narrowed)
    text = "" if payload is None else json.dumps(payload, ensure_ascii=False, indent=2)
    required = cast("list[str]", narrowed.json_schema.get("required", []))
    fields = [
        _field(name, value, contract.properties.get(name, _NO_RULE), name in required)
        for name, value in properties.items()
    ]
    return SchemaPage(
        id=schema.id,
        label=_line(schema.display_name),
        description=_line(_text(narrowed.json_schema, "description")),
        is_deprecated=narrowed.json_schema.get("deprecated") is True,
        has_contract=schema.contract is not None,
        owner=contract.owner,
        purpose=contract.purpose,
        retention=describe_duration(contract.retention),
        fields=tuple(sorted(fields, key=lambda field: (not field.is_required, field.wire))),
        rules=tuple(_payload_rules(narrowed.json_schema)),
        sample=tuple(text.split("\n")) if text else (),
        card=draw_card(_line(schema.display_name), properties, values),
    )


def _field(name: str, value: JsonObject, rule: PropertyContract, is_required: bool) -> Field:
    constraints = parse_constraints(value)
    description = _line(_text(value, "description")) or (_PRODUCT if name == "productSku" else "")
    is_deprecated = value.get("deprecated") is True
    return Field(
        label=label_of(name, value),
        wire=name,
        description=description,
        type=describe_type(constraints),
        rules=tuple(describe_rules(constraints, _text(value, "pattern"))),
        is_required=is_required,
        is_required_by_contract=rule.required,
        has_contract_rules=bool(rule.keywords),
        personal_data=PERSONAL_DATA[rule.personal_data] if rule.personal_data else NOT_CLASSIFIED,
        personal_class=rule.personal_data,
        uses=tuple(_uses(value)),
        deprecated=rule.deprecated or ("do not use it in new code" if is_deprecated else ""),
    )


def _payload_rules(body: JsonObject) -> Iterator[str]:
    """Yield the rules for an interaction as a whole."""
    least, most = (
        cast("float | None", body.get(key)) for key in ("minProperties", "maxProperties")
    )
    if least:
        yield f"It has at least {_count(least)}."
    if most is not None:
        yield f"It has at most {_count(most)}."
    dependent = cast("dict[str, Sequence[str]]", body.get("dependentRequired", {}))
    for name, others in sorted(dependent.items()):
        if others:
            names = ", ".join(f"“{other}”" for other in sorted(set(others)))
            yield f"With “{name}” it also has {names}."


def _count(number: float) -> str:
    return f"{int(number)} field{'' if number == 1 else 's'}"


def _uses(value: JsonObject) -> Iterator[str]:
    """Yield where marketing sees the property."""
    if is_on_card(value):
        yield "on the contact card"
    if value.get("addToSegmentation") in ("true", True):
        yield "in segments"


def _line(text: str) -> str:
    """Return foreign text on one line."""
    return " ".join(text.split())


def _text(value: JsonObject, key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""
