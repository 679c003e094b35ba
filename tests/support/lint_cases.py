"""A schema without findings, and for each lint rule a schema that breaks it."""

import json
from collections.abc import Mapping
from typing import Any

GOOD: dict[str, Any] = {
    "id": "storeVisit",
    "displayName": "Visited a store",
    "jsonSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "productSku": {"type": "string", "displayName": "Product"},
            "category": {
                "type": "string",
                "displayName": "Category",
                "showInContactCard": "true",
                "sortOrder": "1",
            },
            "rating": {
                "type": "integer",
                "displayName": "Rating",
                "addToSegmentation": "true",
                "showInContactCard": "true",
                "sortOrder": "2",
            },
        },
    },
}


def changed(path: str, value: Any = None) -> dict[str, Any]:
    """Return `GOOD` with the value at `path` replaced, or removed if there is no value."""
    schema: dict[str, Any] = json.loads(json.dumps(GOOD))
    *parents, last = path.split("/")
    place = schema
    for part in parents:
        place = place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return schema


PROPERTIES = "jsonSchema/properties"


SEGMENTABLE = {"type": "integer", "displayName": "x", "addToSegmentation": "true"}


CASES: Mapping[str, tuple[dict[str, Any], str]] = {  # code -> schema, pointer of the finding
    "EG102": (changed("jsonSchema/$schema"), "/jsonSchema"),
    "EG103": (changed("jsonSchema/additionalProperties", True), "/jsonSchema/additionalProperties"),
    "EG104": (
        changed(f"{PROPERTIES}/category/$id", "#/properties/category"),
        "/jsonSchema/properties/category/$id",
    ),
    "EG110": (
        changed(PROPERTIES, {f"p{number}": SEGMENTABLE for number in range(7)}),
        "/jsonSchema/properties/p6/addToSegmentation",
    ),
    "EG111": (
        changed(f"{PROPERTIES}/category/showlnContactCard", "true"),
        "/jsonSchema/properties/category/showlnContactCard",
    ),
    "EG112": (
        changed(f"{PROPERTIES}/category/showInContactCard", True),
        "/jsonSchema/properties/category/showInContactCard",
    ),
    "EG113": (
        changed(f"{PROPERTIES}/category/sortOrder", "first"),
        "/jsonSchema/properties/category/sortOrder",
    ),
    "EG114": (
        changed(f"{PROPERTIES}/category/displayName"),
        "/jsonSchema/properties/category/displayName",
    ),
    "EG115": (
        changed(f"{PROPERTIES}/productSku/type", "integer"),
        "/jsonSchema/properties/productSku/type",
    ),
    "EG116": (
        changed(PROPERTIES, {"productSku": {"type": "string", "displayName": "x"}}),
        "/jsonSchema/properties/productSku",
    ),
    "EG117": (changed("displayName", "Purchase"), "/id"),
    "EG118": (
        changed(f"{PROPERTIES}/category/addToSegmentation", "true"),
        "/jsonSchema/properties/category/addToSegmentation",
    ),
    "EG119": (
        changed(f"{PROPERTIES}/category/addToSegmentaton", "true"),
        "/jsonSchema/properties/category/addToSegmentaton",
    ),
    "EG120": (
        changed(f"{PROPERTIES}/Category", {"type": "string", "displayName": "Again"}),
        "/jsonSchema/properties/category",
    ),
    "EG121": (changed("id", "completedProductRating"), "/id"),
    "EG122": (
        changed(f"{PROPERTIES}/rating/sortOrder", "1"),
        "/jsonSchema/properties/rating/sortOrder",
    ),
    "EG124": (
        changed(f"{PROPERTIES}/category/description", "Shelf"),
        "/jsonSchema/properties/category/description",
    ),
    "EG125": (changed("jsonSchema/properties"), "/jsonSchema"),
    "EG126": (changed("jsonSchema/required", ["category", "category"]), "/jsonSchema/required"),
    "EG127": (
        changed(
            f"{PROPERTIES}/category",
            {"type": "string", "displayName": "Category", "format": None},
        ),
        "/jsonSchema/properties/category/format",
    ),
    "EG201": (
        changed(f"{PROPERTIES}/category/type", "text"),
        "/jsonSchema/properties/category/type",
    ),
    "EG202": (
        changed(f"{PROPERTIES}/category/maxLength", 5),
        "/jsonSchema/properties/category/maxLength",
    ),
    "EG203": (
        changed(f"{PROPERTIES}/category/type", "array"),
        "/jsonSchema/properties/category/type",
    ),
    "EG204": (
        changed(f"{PROPERTIES}/category/format", "email"),
        "/jsonSchema/properties/category/format",
    ),
    "EG206": (changed("jsonSchema/required", ["other"]), "/jsonSchema/required"),
    "EG207": (changed("jsonSchema/$schema", "draft-7"), "/jsonSchema/$schema"),
    "EG208": (changed("jsonSchema/type", "array"), "/jsonSchema/type"),
    "EG213": (changed("jsonSchema/required", "category"), "/jsonSchema/required"),
}
