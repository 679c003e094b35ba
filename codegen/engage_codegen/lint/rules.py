"""Rules about whole schemas: what the platform enforces, documents, or silently drops.

Source: the vendor's documentation and the samples of real integrations.
"""

import re
from collections.abc import Iterator

from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject
from .rule import Violation, check, is_set, iterate_properties, properties_of

MAX_SCHEMAS = 15
MAX_SEGMENTABLE = 6

_OWN_PATHWAYS = re.compile(
    r"purchase|receipt|order(?:s|ed|line)?(?![a-z])|refund|return(?:s|ed)?(?![a-z])|nps|promoter",
    re.IGNORECASE,
)
_PRODUCT_DATA = re.compile(r"categor|brand|size|colou?r|name|title|price|model|type", re.IGNORECASE)


@check("EG103")
def _check_closed(schema: Schema) -> Iterator[Violation]:
    if schema.json_schema.get("additionalProperties", False) is not False:
        yield Violation(
            ("jsonSchema", "additionalProperties"),
            "the schema allows undeclared properties, but the platform silently drops them",
            "declare every property that is sent, and remove additionalProperties",
        )


@check("EG104")
def _check_dollar_id(schema: Schema) -> Iterator[Violation]:
    places: list[tuple[tuple[str, ...], JsonObject]] = [((), schema.json_schema)]
    places += [(parts[1:], value) for parts, _, value in iterate_properties(schema)]
    for parts, value in places:
        identifier = value.get("$id", "")
        if not isinstance(identifier, str) or identifier.partition("#")[2]:
            yield Violation(
                ("jsonSchema", *parts, "$id"),
                "$id must be a URI without a fragment in draft 2020-12, so validators refuse the "
                "schema",
                "remove $id",
            )


@check("EG115")
def _check_sku_type(schema: Schema) -> Iterator[Violation]:
    value = properties_of(schema).get("productSku")
    if isinstance(value, dict) and value.get("type") != "string":
        message = "productSku must be a string: it is reserved for the product of the interaction"
        parts = ("jsonSchema", "properties", "productSku", "type")
        yield Violation(parts, message, 'set its type to "string"')


@check("EG116")
def _check_product_data(schema: Schema) -> Iterator[Violation]:
    others = [name for name in properties_of(schema) if name != "productSku"]
    if "productSku" in properties_of(schema) and not any(map(_PRODUCT_DATA.search, others)):
        yield Violation(
            ("jsonSchema", "properties", "productSku"),
            "the schema has no product data beside productSku, so segments cannot use any",
            "declare what segments need, such as category and brand",
        )


def _segmentable(schema: Schema) -> list[tuple[tuple[str, ...], str, JsonObject]]:
    return [entry for entry in iterate_properties(schema) if is_set(entry[2], "addToSegmentation")]


@check("EG110")
def _check_segmentable(schema: Schema) -> Iterator[Violation]:
    for parts, _, _ in _segmentable(schema)[MAX_SEGMENTABLE:]:
        yield Violation(
            (*parts, "addToSegmentation"),
            f"the schema has more than {MAX_SEGMENTABLE} segmentable properties",
            'set addToSegmentation to "false" on one of them',
        )


@check("EG118")
def _check_free_text(schema: Schema) -> Iterator[Violation]:
    for parts, name, value in _segmentable(schema):
        is_text = value.get("type") == "string" and "format" not in value
        if is_text and not {"enum", "const", "maxLength"} & value.keys() and name != "productSku":
            yield Violation(
                (*parts, "addToSegmentation"),
                "the property is free text, so every value becomes a segment of its own",
                "send one of a few agreed values, or remove the property from segmentation",
            )


@check("EG117")
def _check_pathway(schema: Schema) -> Iterator[Violation]:
    if _OWN_PATHWAYS.search(f"{schema.id} {schema.display_name}"):
        yield Violation(
            ("id",),
            "purchases, returns and NPS have pathways of their own in the platform, where "
            "receipts, points and reports use them",
            "use the platform's pathway if the schema is about one of these",
        )


@check("EG121")
def _check_shared_id(schema: Schema) -> Iterator[Violation]:
    if schema.id == "completedProductRating":
        yield Violation(
            ("id",),
            "two review vendors register this id with different properties: the platform drops "
            "what the first one registered does not declare",
            "make sure that only one of the vendors sends it in this tenant",
        )
