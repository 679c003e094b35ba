"""Segments: the contacts with a certain number of certain interactions.

Documented: contacts are segmented by the number of interactions of a schema, by their `createdDate`
and by the value of a property with `addToSegmentation`. The operators are our guess.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from engage_codegen.sandbox.dates import format_date, parse_created_date, to_timestamp
from engage_codegen.sandbox.errors import ApiError, not_found
from engage_codegen.sandbox.marketing.contact_cards import get_declarations, is_enabled
from engage_codegen.sandbox.store.records import JsonObject, StoredSchema, Violation
from engage_codegen.sandbox.store.tenant import Tenant


class Comparison(StrEnum):
    """The comparison of a property with the value of a condition."""

    IS = "is"
    AT_LEAST = "at-least"
    AT_MOST = "at-most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The number of interactions of a schema, optionally in a time range and with a value.

    `at_least` defaults to 0 if `at_most` is set, else to 1. `since` and `until` are dates, and
    `until` is exclusive; `last_days` counts back from now.
    """

    schema_id: str
    at_least: int | None = None
    at_most: int | None = None
    since: str | None = None
    until: str | None = None
    last_days: float | None = None
    property: str | None = None
    test: Comparison = Comparison.IS
    value: str | int | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The size of a segment, a page of its members, and its interactions by month.

    A member is an id and a name. A month is a text such as "2026-03" and the number of interactions
    of the members under the schemas of the conditions; the oldest month comes first.
    """

    size: int
    members: tuple[tuple[str, str], ...]
    months: tuple[tuple[str, int], ...]


_Values = list[str | int | float | None]
_OPERATORS = {Comparison.IS: "=", Comparison.AT_LEAST: ">=", Comparison.AT_MOST: "<="}


def _impossible(rule: str, pointer: str, message: str) -> ApiError:
    return ApiError(
        HTTPStatus.CONFLICT,
        "ImpossibleSegment",
        "The segment is impossible",
        violations=[Violation(rule, pointer, message)],
    )


def count_segment(
    tenant: Tenant, conditions: Sequence[Condition], now: datetime, *, start: int, limit: int
) -> Segment:
    """Find the contacts that meet all conditions.

    `members` has at most `limit` of them from position `start`, in the order in which the contacts
    were added.

    Raises:
        ApiError: 404 SchemaNotFound, or 409 ImpossibleSegment for an impossible condition.
    """
    if not conditions:
        raise _impossible("minItems", "/conditions", "a segment needs at least one condition")
    parts: list[str] = []
    values: _Values = []
    for position, condition in enumerate(conditions):
        part, part_values = _select_contacts(tenant, condition, now, f"/conditions/{position}")
        parts.append(part)
        values += part_values
    where = " AND ".join(parts)
    tenant.query("DROP TABLE IF EXISTS temp.members")
    tenant.query(
        f"CREATE TEMP TABLE members AS SELECT id, name FROM contacts "  # noqa: S608  # nosec B608
        f"WHERE deleted IS NULL AND {where} ORDER BY rowid",
        values,
    )
    (size,) = tenant.query("SELECT count(*) FROM temp.members").fetchone()
    page = tenant.query("SELECT id, name FROM temp.members LIMIT ? OFFSET ?", (limit, start))
    ids = sorted({condition.schema_id for condition in conditions})
    months = tenant.query(
        f"""SELECT substr(created_date, 1, 7), count(*) FROM interactions
        WHERE schema_id IN ({", ".join("?" * len(ids))})
        AND contact_id IN (SELECT id FROM temp.members) GROUP BY 1 ORDER BY 1""",  # noqa: S608  # nosec B608
        ids,
    )
    return Segment(size, tuple(page.fetchall()), tuple(months.fetchall()))


def list_segmentable(schema: StoredSchema) -> dict[str, JsonObject]:
    """Return the declarations of the properties with `addToSegmentation`."""
    return {
        name: declaration
        for name, declaration in get_declarations(schema).items()
        if isinstance(declaration, dict) and is_enabled(declaration.get("addToSegmentation"))
    }


def _select_contacts(
    tenant: Tenant, condition: Condition, now: datetime, pointer: str
) -> tuple[str, _Values]:
    """Return the SQL condition on `contacts.id`, and its values."""
    schema = tenant.get_schema(condition.schema_id)
    if schema is None:
        raise not_found("Schema", condition.schema_id)
    least = _get_least(condition)
    if condition.at_most is not None and condition.at_most < least:
        message = f"at most {condition.at_most} contradicts at least {least}"
        raise _impossible("minimum", f"{pointer}/atMost", message)
    where, values = _select_interactions(condition, schema, now, pointer)
    having, counts = _compare_count(condition, least)
    part = (
        f"id {'NOT IN' if least <= 0 else 'IN'} "  # noqa: S608 - our own text  # nosec B608
        f"(SELECT contact_id FROM interactions WHERE {where} GROUP BY contact_id HAVING {having})"
    )
    return part, [*values, *counts]


def _get_least(condition: Condition) -> int:
    if condition.at_least is None:
        return 1 if condition.at_most is None else 0
    return condition.at_least


def _compare_count(condition: Condition, least: int) -> tuple[str, list[int]]:
    if least <= 0:
        # Contacts without any interaction are in no group, so exclude the ones with too many.
        most = condition.at_most
        return ("0", []) if most is None else ("count(*) > ?", [most])
    if condition.at_most is None:
        return "count(*) >= ?", [least]
    return "count(*) BETWEEN ? AND ?", [least, condition.at_most]


def _select_interactions(
    condition: Condition, schema: StoredSchema, now: datetime, pointer: str
) -> tuple[str, _Values]:
    parts, values = ["schema_id = ?"], _Values([schema.id])
    since = condition.since
    if condition.last_days is not None:
        try:
            since = format_date(now - timedelta(days=condition.last_days))
        except OverflowError:
            message = f"{condition.last_days} days ago is before the year 1"
            raise _impossible("maximum", f"{pointer}/lastDays", message) from None
        parts.append("created_date <= ?")
        values.append(format_date(now))
    for name, text, operator in (("since", since, ">="), ("until", condition.until, "<")):
        if text is not None:
            parsed = parse_created_date(text)
            if parsed is None:
                raise _impossible("format", f"{pointer}/{name}", f"{text!r} is not a date")
            parts.append(f"created_date {operator} ?")
            values.append(format_date(parsed[0]))
    if condition.property is not None:
        part, part_values = _compare_value(condition, condition.property, schema, pointer)
        parts.append(part)
        values += part_values
    return " AND ".join(parts), values


def _compare_value(
    condition: Condition, name: str, schema: StoredSchema, pointer: str
) -> tuple[str, _Values]:
    value, declaration = condition.value, list_segmentable(schema).get(name)
    if declaration is None:
        message = f"the property {name!r} has no addToSegmentation"
        raise _impossible("unsupported", f"{pointer}/property", message)
    type_name, format_name = str(declaration.get("type")), declaration.get("format")
    types = {"boolean": bool, "string": str}.get(type_name, (int, float))
    if not isinstance(value, types) or (isinstance(value, bool) and type_name != "boolean"):
        message = f"the value must be of the type {type_name}"
        raise _impossible("type", f"{pointer}/value", message)
    if condition.test is not Comparison.IS and type_name == "string" and not format_name:
        message = "a text without a format can only be compared with is"
        raise _impossible("unsupported", f"{pointer}/test", message)
    operator = _OPERATORS[condition.test]
    expression, key = "(SELECT value FROM json_each(payload) WHERE key = ?)", name
    if re.fullmatch("[A-Za-z0-9_ .$-]+", name):  # a path is faster, but has no escapes
        expression, key = "json_extract(payload, ?)", f'$."{name}"'
    if format_name == "date-time":
        if to_timestamp(str(value)) is None:
            message = f"{value!r} is not a date-time with an offset"
            raise _impossible("format", f"{pointer}/value", message)
        return f"timestamp({expression}) {operator} timestamp(?)", [key, str(value)]
    return f"{expression} {operator} ?", [key, int(value) if isinstance(value, bool) else value]
