"""The calls that read the interaction schemas of the tenant. The paths are the vendor's."""

import json
from collections.abc import Mapping
from urllib.parse import quote

from ..errors import ReadError, UnknownSchemaError
from ..payload.types import Json
from ..results import SchemaCheck, SchemaSummary
from .pages import TRANSIENT
from .responses import describe_foreign, parse_body, read_object, require_read
from .retry import RetryPolicy, retry
from .steps import Call, Reply, Request


def list_schemas(policy: RetryPolicy) -> Call[list[SchemaSummary]]:
    """Return the ids and titles of all interaction schemas of the tenant, ordered by id."""
    request = Request("GET", "interactionschemas")
    schemas = yield from retry(request, _read_summaries, policy, TRANSIENT)
    return sorted(schemas, key=lambda schema: schema.id)


def check_schemas(
    expected: Mapping[str, dict[str, Json]], policy: RetryPolicy
) -> Call[SchemaCheck]:
    """Compare the schemas of the tenant with those of the package, given as envelopes by id."""
    tenant_ids = {schema.id for schema in (yield from list_schemas(policy))}
    same: list[str] = []
    different: list[str] = []
    missing: list[str] = []
    for schema_id, envelope in sorted(expected.items()):
        request = Request("GET", f"interactionschemas/{quote(schema_id, safe='')}")
        if schema_id not in tenant_ids:
            missing.append(schema_id)
            continue
        try:
            schema = yield from retry(request, _read_schema, policy, TRANSIENT)
        except UnknownSchemaError:  # It was deleted in the meantime.
            missing.append(schema_id)
        else:
            is_same = _canonical(schema) == _canonical(envelope)
            (same if is_same else different).append(schema_id)
    additional = sorted(tenant_ids - expected.keys())
    return SchemaCheck(tuple(same), tuple(different), tuple(missing), tuple(additional))


def _read_summaries(reply: Reply) -> list[SchemaSummary]:
    answer = require_read(reply, ("schema",))
    items = parse_body(answer)
    if not isinstance(items, list):
        raise ReadError(describe_foreign(answer))
    summaries: list[SchemaSummary] = []
    for item in items:
        schema_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(schema_id, str):
            raise ReadError("The answer of Engage contains an item that is not a schema.")
        summaries.append(SchemaSummary(schema_id, str(item.get("displayName") or schema_id)))
    return summaries


def _read_schema(reply: Reply) -> dict[str, Json]:
    return read_object(reply, ("schema",))


def _canonical(envelope: Mapping[str, Json]) -> str:
    """Return a text that is the same for the same schema, whatever the order of its members.

    The rule of the generator's live check: other members of the envelope do not count, and a
    schema without a title has its id as its title.
    """
    schema_id, title = str(envelope.get("id")), envelope.get("displayName")
    title = (title.strip() if isinstance(title, str) else "") or schema_id
    return json.dumps([schema_id, title, envelope.get("jsonSchema")], sort_keys=True)
