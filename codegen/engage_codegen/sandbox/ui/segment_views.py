"""The template variables of the segments page, and the conditions in its form."""

from collections.abc import Mapping
from dataclasses import replace

from engage_codegen.sandbox.errors import malformed
from engage_codegen.sandbox.marketing.contact_cards import get_declarations, get_label
from engage_codegen.sandbox.marketing.segments import (
    Comparison,
    Condition,
    Segment,
    count_segment,
    list_segmentable,
)
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.records import StoredSchema
from engage_codegen.sandbox.ui.chart import build_bars
from engage_codegen.sandbox.ui.query import (
    Query,
    Values,
    build_link,
    parse_decimal,
    parse_integer,
    parse_value,
    read_number,
)

_CONDITIONS = 3
_MEMBERS_PER_PAGE = 50


def view_segments(state: SandboxState, query: Query) -> Values:
    """Show the form, and the segment of its conditions if there are any."""
    numbers = range(1, _CONDITIONS + 1)
    start = read_number(query, "start")
    segment: Segment | None = None
    with state.store.transaction() as tenant:
        schemas = {schema.id: schema for schema in tenant.list_schemas()}
        conditions = [
            condition
            for condition in (_read_condition(query, number, schemas) for number in numbers)
            if condition is not None
        ]
        if conditions:
            now = state.clock.now()
            segment = count_segment(tenant, conditions, now, start=start, limit=_MEMBERS_PER_PAGE)
    end, next_link = start + _MEMBERS_PER_PAGE, ""
    if segment and segment.size > end:
        next_link = build_link({**query, "start": str(end)})
    return {
        "schemas": [*schemas.values()],
        "properties": _list_properties(schemas),
        "numbers": numbers,
        "query": dict(query),
        "segment": segment,
        "bars": build_bars(segment.months) if segment else [],
        "next_link": next_link,
        "start": start,
    }


def _list_properties(schemas: Mapping[str, StoredSchema]) -> list[tuple[object, ...]]:
    """Return schema id, schema name, property, label and type of each segmentable property."""
    return [
        (
            schema.id,
            schema.display_name,
            name,
            get_label(name, declaration),
            declaration.get("type"),
        )
        for schema in schemas.values()
        for name, declaration in list_segmentable(schema).items()
    ]


def _read_condition(
    query: Query, number: int, schemas: Mapping[str, StoredSchema]
) -> Condition | None:
    """Read the condition with this number, or return None if the form leaves it empty."""

    def read(name: str) -> str:
        return query.get(f"{name}{number}", "").strip()

    subject = f"condition {number}"
    schema_id, (property_schema, _, name) = read("schema"), read("property").partition("/")
    if not schema_id and not name:
        return None
    if name and property_schema != schema_id:
        message = f"the property belongs to {property_schema!r}; choose interactions of that schema"
        raise malformed("undeclared", f"{subject}: {message}")
    if schema_id not in schemas:
        raise malformed("enum", f"{subject}: the schema {schema_id!r} does not exist")
    least, most, days, test = read("least"), read("most"), read("days"), read("test") or "is"
    if test not in [comparison.value for comparison in Comparison]:
        raise malformed("enum", f"{subject}: the comparison {test!r} does not exist")
    condition = Condition(
        schema_id=schema_id,
        at_least=parse_integer(least, f"{subject}, at least") if least else None,
        at_most=parse_integer(most, f"{subject}, at most") if most else None,
        since=read("since") or None,
        until=read("until") or None,
        last_days=parse_decimal(days, f"{subject}, days") if days else None,
    )
    if not name:
        return condition
    declaration = get_declarations(schemas[schema_id]).get(name)
    value = parse_value(declaration, read("value"))
    return replace(condition, property=name, test=Comparison(test), value=value)
