"""Segments: the contacts that did something, so often, at that time, with that value.

Documented: contacts are segmented by the number of interactions of a schema, by their `createdDate`
and by the value of a property with `addToSegmentation`. The operators are our guess.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from engage_codegen.sandbox.api.rules import not_found
from engage_codegen.sandbox.dates import parse_created_date, timestamp, wire_date
from engage_codegen.sandbox.marketing.contact_cards import declared, is_on
from engage_codegen.sandbox.store.tenant import StoredSchema, Tenant
from engage_codegen.sandbox.wire import JsonObject, Refusal


class Comparison(StrEnum):
    """How a value is compared."""

    IS = "is"
    AT_LEAST = "at-least"
    AT_MOST = "at-most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """So many interactions of a schema, of those of a time and with a value.

    `at_least` is 1 if neither it nor `at_most` is given, else 0. `since` and `until` are moments,
    `last_days` counts back from now; `until` itself does not belong to it.
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
    """Its size, some of its members (id, name), and how many interactions of the schemas of its
    conditions they had in each month, oldest first."""

    size: int
    members: tuple[tuple[str, str], ...]
    months: tuple[tuple[str, int], ...]


def impossible(*reasons: str) -> Refusal:
    """What cannot be asked of these schemas."""
    message = "The segment cannot be asked for"
    return Refusal(HTTPStatus.CONFLICT, "ImpossibleSegment", message, reasons=reasons)


_Values = list[str | int | float | None]


def segment(
    tenant: Tenant, conditions: Sequence[Condition], now: datetime, *, start: int, limit: int
) -> Segment:
    """The contacts that all conditions hold for, in the order in which they were added. Raises
    `Refusal` for a condition that cannot be asked."""
    if not conditions:
        raise impossible("conditions: there has to be one at least")
    parts: list[str] = []
    values: _Values = []
    for number, condition in enumerate(conditions):
        schema = tenant.schema(condition.schema_id)
        if schema is None:
            raise not_found("Schema", condition.schema_id)
        where, own = _matching(condition, schema, now, f"conditions/{number}")
        having, counted = _counted(condition)
        parts.append(
            f"id {'NOT IN' if _least(condition) <= 0 else 'IN'} "  # noqa: S608 - parts of ours
            f"(SELECT contact_id FROM interactions WHERE {where} GROUP BY contact_id "
            f"HAVING {having})"
        )
        values += [*own, *counted]
    members = " AND ".join(parts)
    tenant.rows("DROP TABLE IF EXISTS temp.members")
    tenant.rows(
        f"CREATE TEMP TABLE members AS SELECT id, name FROM contacts WHERE {members} "  # noqa: S608
        "ORDER BY rowid",
        values,
    )
    (size,) = tenant.rows("SELECT count(*) FROM temp.members").fetchone()
    page = tenant.rows("SELECT id, name FROM temp.members LIMIT ? OFFSET ?", (limit, start))
    ids = sorted({condition.schema_id for condition in conditions})
    months = tenant.rows(
        f"""SELECT substr(created_date, 1, 7), count(*) FROM interactions
        WHERE schema_id IN ({", ".join("?" * len(ids))})
        AND contact_id IN (SELECT id FROM temp.members) GROUP BY 1 ORDER BY 1""",  # noqa: S608
        ids,
    )
    return Segment(size, tuple(page.fetchall()), tuple(months.fetchall()))


def _least(condition: Condition) -> int:
    if condition.at_least is None:
        return 1 if condition.at_most is None else 0
    return condition.at_least


def _counted(condition: Condition) -> tuple[str, list[int]]:
    if _least(condition) <= 0:
        # Contacts without any are in no group: those are left out that have too many.
        most = condition.at_most
        return ("0", []) if most is None else ("count(*) > ?", [most])
    if condition.at_most is None:
        return "count(*) >= ?", [_least(condition)]
    return "count(*) BETWEEN ? AND ?", [_least(condition), condition.at_most]


def _matching(
    condition: Condition, schema: StoredSchema, now: datetime, where: str
) -> tuple[str, _Values]:
    parts, values = ["schema_id = ?"], _Values([schema.id])
    if condition.at_most is not None and condition.at_most < _least(condition):
        raise impossible(f"{where}: at most {condition.at_most} is less than {_least(condition)}")
    since = condition.since
    if condition.last_days is not None:
        try:
            since = wire_date(now - timedelta(days=condition.last_days))
        except OverflowError:
            raise impossible(f"{where}/lastDays: there is no such day") from None
        parts.append("created_date <= ?")
        values.append(wire_date(now))
    for name, text, operator in (("since", since, ">="), ("until", condition.until, "<")):
        if text is not None:
            parsed = parse_created_date(text)
            if parsed is None:
                raise impossible(f"{where}/{name}: {text!r} is no date")
            parts.append(f"created_date {operator} ?")
            values.append(wire_date(parsed[0]))
    if condition.property is not None:
        test, more = _valued(condition, schema, where)
        parts.append(test)
        values += more
    return " AND ".join(parts), values


_OPERATORS = {Comparison.IS: "=", Comparison.AT_LEAST: ">=", Comparison.AT_MOST: "<="}


def segmentable(schema: StoredSchema) -> dict[str, JsonObject]:
    """The properties that can be segmented by."""
    return {
        name: it
        for name, it in declared(schema).items()
        if isinstance(it, dict) and is_on(it.get("addToSegmentation"))
    }


def _valued(condition: Condition, schema: StoredSchema, where: str) -> tuple[str, _Values]:
    name, value = condition.property or "", condition.value
    declaration = segmentable(schema).get(name)
    if declaration is None:
        raise impossible(f"{where}/property: {name!r} cannot be segmented by")
    kind, form = declaration.get("type"), declaration.get("format")
    wanted = {"boolean": bool, "string": str}.get(str(kind), (int, float))
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        raise impossible(f"{where}/value: has to be of the type {kind}")
    if condition.test is not Comparison.IS and kind != "boolean" and kind == "string" and not form:
        raise impossible(f"{where}/test: a text can only be compared with is")
    operator = _OPERATORS[condition.test]
    found = "(SELECT value FROM json_each(payload) WHERE key = ?)"
    key = name
    if re.fullmatch("[A-Za-z0-9_ .$-]+", name):  # a path is quicker, and knows no escapes
        found, key = "json_extract(payload, ?)", f'$."{name}"'
    if form == "date-time":
        if timestamp(str(value)) is None:
            raise impossible(f"{where}/value: {value!r} is no date-time with an offset")
        return f"moment({found}) {operator} moment(?)", [key, str(value)]
    return f"{found} {operator} ?", [key, int(value) if isinstance(value, bool) else value]
