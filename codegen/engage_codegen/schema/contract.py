"""`Contract`: what a project allows itself to send of one schema, and what its people agreed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias, cast

from .jsontext import JsonObject, canonical_json, digest

CONTRACT_SUFFIX = ".contract.json"
"""The end of the name of a contract in a snapshot. No schema id has a dot."""

PersonalData: TypeAlias = Literal["direct", "indirect", "free-text", "none"]
"""How a value relates to a person: it names one (``direct``), it leads to one together with other
data (``indirect``), people write it (``free-text``), or not at all (``none``)."""

PERSONAL_DATA: tuple[PersonalData, ...] = ("direct", "indirect", "free-text", "none")


@dataclass(frozen=True, slots=True)
class PropertyContract:
    """What a contract says about one property.

    `keywords` replace those of the schema. With `required`, the property is never omitted.
    `personal_data` is None where nobody decided. `deprecated` says what to use instead.
    """

    keywords: JsonObject
    required: bool = False
    personal_data: PersonalData | None = None
    deprecated: str = ""


@dataclass(frozen=True)
class Contract:
    """The contract of one schema.

    `retention` is an ISO 8601 duration. `origin` is the file, for messages only.
    """

    schema_id: str
    owner: str = ""
    purpose: str = ""
    retention: str = ""
    properties: Mapping[str, PropertyContract] = field(default_factory=dict[str, PropertyContract])
    origin: str = field(default="", compare=False)

    @cached_property
    def canonical(self) -> str:
        """The contract as the snapshot stores it, in canonical JSON."""
        head = {"owner": self.owner, "purpose": self.purpose, "retention": self.retention}
        table: JsonObject = {key: text for key, text in head.items() if text}
        if self.properties:
            table["properties"] = {name: _table(rule) for name, rule in self.properties.items()}
        return canonical_json(table)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hexadecimal."""
        return digest(self.canonical)

    def narrow(self, json_schema: JsonObject) -> JsonObject:
        """Return a JSON Schema with the rules of the contract.

        Properties that the schema does not declare are left out.
        """
        properties = cast("dict[str, JsonObject]", json_schema.get("properties", {}))
        required = cast("list[str]", json_schema.get("required", []))
        rules = {name: rule for name, rule in self.properties.items() if name in properties}
        added = sorted(name for name, rule in rules.items() if rule.required)
        body = {
            **json_schema,
            "properties": properties
            | {name: {**properties[name], **rule.keywords} for name, rule in rules.items()},
        }
        if added:
            body["required"] = [*required, *(name for name in added if name not in required)]
        return cast(JsonObject, body)


def _table(rule: PropertyContract) -> JsonObject:
    table = dict(rule.keywords)
    table |= {"required": True} if rule.required else {}
    table |= {"personal-data": rule.personal_data} if rule.personal_data else {}
    table |= {"deprecated": rule.deprecated} if rule.deprecated else {}
    return table
