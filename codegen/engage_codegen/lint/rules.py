"""Rules about schemas: what the platform enforces, documents, or drops without a word.

Source: the vendor's documentation and the samples of real integrations.
"""

import re
from collections.abc import Iterator

from ..model.dialect import JSON_SCHEMA
from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .rule import Hit, each_property, is_on, properties, rule

MOST_SCHEMAS = 15
MOST_SEGMENTABLE = 6

_OWN_PATHWAYS = re.compile(
    r"purchase|receipt|order(?:s|ed|line)?(?![a-z])|refund|return(?:s|ed)?(?![a-z])|nps|promoter",
    re.IGNORECASE,
)
_PRODUCT_DATA = re.compile(r"categor|brand|size|colou?r|name|title|price|model|type", re.IGNORECASE)


@rule(
    "EG102",
    "warning",
    "no $schema",
    "The platform has one dialect.",
)
def _dialect_missing(schema: Schema) -> Iterator[Hit]:
    if "$schema" not in schema.json_schema:
        fix = f'add "$schema": "{JSON_SCHEMA}"'
        yield ("jsonSchema",), "the schema does not say which dialect of JSON Schema it is", fix


@rule(
    "EG103",
    "warning",
    "undeclared properties allowed",
    "What is not declared is dropped without an error and kept only in blob storage.",
)
def _open(schema: Schema) -> Iterator[Hit]:
    if schema.json_schema.get("additionalProperties", False) is not False:
        yield (
            ("jsonSchema", "additionalProperties"),
            "undeclared properties are allowed, but the platform drops them without an error",
            "declare every property that is sent, and take additionalProperties out",
        )


@rule(
    "EG115",
    "error",
    "productSku that is no string",
    "The name is reserved.",
)
def _sku_type(schema: Schema) -> Iterator[Hit]:
    value = properties(schema).get("productSku")
    if isinstance(value, dict) and value.get("type") != "string":
        reason = "productSku is reserved for the product that the interaction is about: a string"
        yield ("jsonSchema", "properties", "productSku", "type"), reason, 'make its type "string"'


@rule(
    "EG116",
    "warning",
    "productSku without product data",
    "The vendor asks for the product's category, brand and the like beside it, since "
    "segments cannot look it up.",
)
def _sku_alone(schema: Schema) -> Iterator[Hit]:
    others = [name for name in properties(schema) if name != "productSku"]
    if "productSku" in properties(schema) and not any(map(_PRODUCT_DATA.search, others)):
        yield (
            ("jsonSchema", "properties", "productSku"),
            "productSku stands alone: segments cannot see what kind of product it is",
            "add what the vendor asks for beside it, like category and brand",
        )


def _segmentable(schema: Schema) -> list[tuple[tuple[str, ...], str, JsonObject]]:
    return [it for it in each_property(schema) if is_on(it[2], "addToSegmentation")]


@rule(
    "EG110",
    "error",
    "too many segmentable properties",
    "The API enforces 6 a schema.",
)
def _too_many_segmentable(schema: Schema) -> Iterator[Hit]:
    for parts, name, _ in _segmentable(schema)[MOST_SEGMENTABLE:]:
        reason = (
            f"{quote(name)} is one segmentable property more than the {MOST_SEGMENTABLE} allowed"
        )
        yield (
            (*parts, "addToSegmentation"),
            reason,
            'set addToSegmentation to "false" on one of them',
        )


@rule(
    "EG118",
    "note",
    "free text in segments",
    "A segment needs values that come again.",
)
def _free_text(schema: Schema) -> Iterator[Hit]:
    for parts, name, value in _segmentable(schema):
        is_text = value.get("type") == "string" and "format" not in value
        if is_text and not {"enum", "const", "maxLength"} & value.keys() and name != "productSku":
            yield (
                (*parts, "addToSegmentation"),
                f"{quote(name)} can be used in segments, but any text can be in it: every value is "
                "a segment of its own",
                "send a few agreed values in it, or take it out of segmentation",
            )


@rule(
    "EG117",
    "warning",
    "something that has its own pathway",
    "Purchases, returns and NPS should not be interactions.",
)
def _own_pathway(schema: Schema) -> Iterator[Hit]:
    if _OWN_PATHWAYS.search(f"{schema.id} {schema.display_name}"):
        yield (
            ("id",),
            "purchases, returns and NPS have their own pathways in the platform, where receipts, "
            "points and reports see them",
            "use the pathway of the platform, if that is what this is",
        )


@rule(
    "EG121",
    "note",
    "an id that two vendors use",
    "Lipscore and Trustvoice both register completedProductRating, with different properties.",
)
def _shared_id(schema: Schema) -> Iterator[Hit]:
    if schema.id == "completedProductRating":
        yield (
            ("id",),
            "two review vendors register this id with different properties: the second drops what "
            "the first does not declare",
            "make sure that one vendor alone sends it in this tenant",
        )
