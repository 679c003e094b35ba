"""What each page shows: the platform and a query in, values for its template out."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlencode

from engage_codegen.sandbox.api.rules import not_found
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.marketing import automations as rules
from engage_codegen.sandbox.marketing import contact_cards as cards
from engage_codegen.sandbox.marketing import segments as segmenting
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST, position_of, token_of
from engage_codegen.sandbox.store.tenant import StoredSchema, Tenant
from engage_codegen.sandbox.ui.sending import Sent, example
from engage_codegen.sandbox.wire import Json, malformed

Values: TypeAlias = dict[str, object]
Query: TypeAlias = Mapping[str, str]
View: TypeAlias = Callable[[Platform, Query], Values]

_PAGE = 20
_MEMBERS = 50
_CONDITIONS = 3
_LONGEST = 5_000


def text(value: Json) -> str:
    """A value for people."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def home(here: Platform) -> Values:
    with here.store.transaction() as tenant:
        counted = {name: _count(tenant, name) for name in ("contacts", "schemas", "interactions")}
        lost = _count(tenant, "losses")
    return {"counts": counted, "lost": lost, "now": wire_date(here.clock.now())}


def _count(tenant: Tenant, table: str) -> int:
    (count,) = tenant.rows(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
    return int(count)


def contacts(here: Platform, query: Query) -> Values:
    start, wanted = _number(query, "start"), query.get("find", "")
    with here.store.transaction() as tenant:
        rows = tenant.rows(
            """SELECT id, name, (SELECT count(*) FROM interactions WHERE contact_id = contacts.id)
            FROM contacts WHERE instr(folded(name || ' ' || id), folded(?)) ORDER BY rowid
            LIMIT ? OFFSET ?""",
            (wanted, _MEMBERS + 1, start),
        ).fetchall()
    more = _link({"find": wanted, "start": str(start + _MEMBERS)}) if len(rows) > _MEMBERS else ""
    return {"contacts": rows[:_MEMBERS], "find": wanted, "more": more}


def contact(here: Platform, query: Query, contact_id: str) -> Values:
    schema_id = query.get("schema") or None
    before = position_of(query["before"]) if "before" in query else BEFORE_THE_NEWEST
    with here.store.transaction() as tenant:
        name = dict(tenant.rows("SELECT id, name FROM contacts WHERE id = ?", (contact_id,)))
        if contact_id not in name:
            raise not_found("Contact", contact_id)
        entries = cards.timeline(tenant, contact_id, schema_id, before, _PAGE + 1)
        counts = cards.counts(tenant, contact_id)
        titles = {it.id: it.display_name for it in tenant.schemas()}
    page, more = entries[:_PAGE], ""
    if len(entries) > _PAGE:
        token = token_of((page[-1].created_date, page[-1].seq))
        more = _link({"schema": schema_id or "", "before": token})
    return {
        "contact": {"id": contact_id, "name": name[contact_id] or contact_id},
        "entries": page,
        "more": more,
        "is_first": "before" not in query,
        "chosen": schema_id,
        "total": sum(counts.values()),
        "filters": [(key, titles[key], count) for key, count in sorted(counts.items())],
    }


def segments(here: Platform, query: Query) -> Values:
    with here.store.transaction() as tenant:
        schemas = tenant.schemas()
        offered = [
            (schema.id, schema.display_name, name, cards.label(name, it), it.get("type"))
            for schema in schemas
            for name, it in segmenting.segmentable(schema).items()
        ]
        known = {schema.id: schema for schema in schemas}
        asked = [_condition(query, number, known) for number in range(1, _CONDITIONS + 1)]
        conditions = [it for it in asked if it is not None]
        found = None
        start = _number(query, "start")
        if conditions:
            found = segmenting.segment(
                tenant, conditions, here.clock.now(), start=start, limit=_MEMBERS
            )
    more = ""
    if found and found.size > start + _MEMBERS:
        more = _link({**query, "start": str(start + _MEMBERS)})
    return {
        "schemas": schemas,
        "offered": offered,
        "numbers": range(1, _CONDITIONS + 1),
        "query": dict(query),
        "found": found,
        "more": more,
        "start": start,
    }


def _condition(
    query: Query, number: int, schemas: Mapping[str, StoredSchema]
) -> segmenting.Condition | None:
    def given(name: str) -> str:
        return query.get(f"{name}{number}", "").strip()

    schema_id, (chosen, _, name) = given("schema"), given("property").partition("/")
    if not schema_id and not name:
        return None
    if name and chosen != schema_id:
        raise malformed(f"condition {number}: the property is one of {chosen}, choose its kind")
    if schema_id not in schemas:
        raise malformed(f"condition {number}: there is no schema {schema_id!r}")
    least, most, test = given("least"), given("most"), given("test") or "is"
    if test not in [it.value for it in segmenting.Comparison]:
        raise malformed(f"condition {number}: there is no test {test!r}")
    made = segmenting.Condition(
        schema_id=schema_id,
        at_least=_whole(least, f"condition {number}: at least") if least else None,
        at_most=_whole(most, f"condition {number}: at most") if most else None,
        since=given("since") or None,
        until=given("until") or None,
        last_days=_decimal(given("days"), f"condition {number}: days") if given("days") else None,
    )
    if not name:
        return made
    return replace(
        made,
        property=name,
        test=segmenting.Comparison(test),
        value=_value(cards.declared(schemas[schema_id]).get(name), given("value")),
    )


def _value(declaration: Json, given: str) -> str | int | float | bool:
    kind = declaration.get("type") if isinstance(declaration, dict) else None
    if kind == "boolean":
        if given.lower() not in _BOOLEANS:
            raise malformed(f"value: {given!r} is neither yes nor no")
        return _BOOLEANS[given.lower()]
    if kind == "integer":
        return _whole(given, "value")
    return _decimal(given, "value") if kind == "number" else given


_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def automations(here: Platform, query: Query) -> Values:
    before = _number(query, "before") or 2**53
    with here.store.transaction() as tenant:
        stored = rules.stored(tenant)
        found = rules.runs(tenant, before=before, limit=_PAGE + 1)
        schemas = tenant.schemas()
    more = _link({"before": str(found[_PAGE - 1].id)}) if len(found) > _PAGE else ""
    return {
        "automations": stored,
        "runs": found[:_PAGE],
        "more": more,
        "schemas": schemas,
        "first": here.options.automation_trigger.value,
    }


def change_automations(here: Platform, form: Query) -> Values:
    """Delete one, or add one, as the form says."""
    with here.store.transaction() as tenant:
        if re.fullmatch("[0-9]{1,15}", form.get("delete", "")):
            rules.delete(tenant, int(form["delete"]))
        else:
            rules.add(tenant, _automation(tenant, form))
    return automations(here, {})


def _automation(tenant: Tenant, form: Query) -> rules.Automation:
    name, schema_id = form.get("name", "").strip(), form.get("schema", "") or None
    if not name:
        raise malformed("name: an automation has one")
    prop = form.get("property", "").strip() or None
    value: Json = None
    if prop is not None:
        schema = tenant.schema(schema_id) if schema_id else None
        declaration = cards.declared(schema).get(prop) if schema else None
        if declaration is None:
            raise malformed(f"property: the schema declares no {prop!r}")
        value = _value(declaration, form.get("value", ""))
    return rules.Automation(
        0, name[:200], schema_id, prop, value, form.get("url", "").strip() or None
    )


def lost(here: Platform, query: Query) -> Values:
    before = _number(query, "before") or 2**53
    with here.store.transaction() as tenant:
        found = tenant.arrivals(before=before, limit=_PAGE + 1, losses=True)
    more = _link({"before": str(found[_PAGE - 1].seq)}) if len(found) > _PAGE else ""
    bodies = {it.seq: _body(it.body) for it in found}
    return {"arrivals": found[:_PAGE], "bodies": bodies, "more": more}


def _body(body: bytes) -> str:
    text = body[:_LONGEST].decode("utf-8", "replace")
    return text if len(body) <= _LONGEST else f"{text}\n… and {len(body) - _LONGEST} more bytes"


def schemas(here: Platform, _query: Query) -> Values:
    with here.store.transaction() as tenant:
        counts = dict(
            tenant.rows("SELECT schema_id, count(*) FROM interactions GROUP BY schema_id")
        )
        return {"schemas": tenant.schemas(), "counts": counts, "declared": cards.declared}


def schema(here: Platform, form: Query, schema_id: str, sent: Sent | None = None) -> Values:
    with here.store.transaction() as tenant:
        found = tenant.schema(schema_id)
        if found is None:
            raise not_found("Schema", schema_id)
        months = tenant.rows(
            """SELECT substr(created_date, 1, 7), count(*) FROM interactions WHERE schema_id = ?
            GROUP BY 1 ORDER BY 1""",
            (schema_id,),
        ).fetchall()
        known = tenant.rows("SELECT id, name FROM contacts ORDER BY rowid LIMIT 200").fetchall()
    required = found.json_schema.get("required")
    return {
        "schema": found,
        "declared": {k: v for k, v in cards.declared(found).items() if isinstance(v, dict)},
        "required": required if isinstance(required, list) else [],
        "shown": [name for name, _ in cards.on_card(found)],
        "is_on": cards.is_on,
        "total": sum(count for _, count in months),
        "months": months,
        "contacts": known,
        "payload": form.get("payload") or example(found),
        "chosen": form.get("contact", ""),
        "created": form.get("created", ""),
        "sent": sent,
    }


def _number(query: Query, name: str) -> int:
    return _whole(query.get(name, "0"), name)


def _whole(given: str, what: str) -> int:
    sign = "-?" if what == "value" else ""
    if not re.fullmatch(f"{sign}[0-9]{{1,15}}", given):
        raise malformed(f"{what}: {given!r} is no whole number")
    return int(given)


def _decimal(given: str, what: str) -> float:
    try:
        number = float(given)
    except ValueError:
        raise malformed(f"{what}: {given!r} is no number") from None
    if not 0 <= abs(number) < 2**53 or (number < 0 and what != "value"):
        raise malformed(f"{what}: {given!r} is out of range")
    return number


def _link(query: Mapping[str, str]) -> str:
    return "?" + urlencode({key: value for key, value in query.items() if value})
