"""Automations: actions that an interaction triggers.

Two triggers are documented, *New Interaction* and *New specific interaction* (of one schema, with
one value), each for an interaction that is received for the first time. What an automation of the
platform does depends on the customer; here an automation records its run and can call a webhook.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from engage_codegen.sandbox.errors import ApiError, not_found
from engage_codegen.sandbox.marketing.contact_cards import get_declarations
from engage_codegen.sandbox.options import AutomationTrigger
from engage_codegen.sandbox.store.records import (
    Json,
    JsonObject,
    StoredInteraction,
    StoredSchema,
    Violation,
)
from engage_codegen.sandbox.store.tenant import Tenant

_LAST_PORT = 65_535
LOOPBACK_URL = (
    r"^https?://(127\.0\.0\.1|localhost|\[::1\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/?=&-]*)?$"
)
"""The pattern of webhook addresses: a sandbox never sends data to another machine."""


@dataclass(frozen=True, slots=True)
class Automation:
    """An automation, its trigger and its webhook.

    Every interaction triggers an automation without `schema_id`. With a `property`, only
    interactions with that `value` do. An automation without `url` only records its runs.
    """

    id: int
    name: str
    schema_id: str | None = None
    property: str | None = None
    value: Json = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of an automation.

    `result` is "logged", "calling", "webhook answered STATUS", or why the webhook was not reached.
    """

    id: int
    automation: int
    name: str
    interaction_id: str
    contact_id: str
    schema_id: str
    ran: str
    result: str


@dataclass(frozen=True, slots=True)
class Call:
    """A webhook to call as soon as the interaction is stored."""

    run: int
    url: str
    body: bytes


def add(tenant: Tenant, automation: Automation) -> Automation:
    """Add an automation and return it with its new id.

    Raises:
        ApiError: 404 SchemaNotFound or 409 ImpossibleAutomation.
    """
    _check_url(automation.url)
    schema = tenant.get_schema(automation.schema_id) if automation.schema_id is not None else None
    if automation.schema_id is not None and schema is None:
        raise not_found("Schema", automation.schema_id)
    if automation.property is not None:
        _check_value(automation, automation.property, schema)
    value = None if automation.property is None else json.dumps(automation.value)
    cursor = tenant.query(
        "INSERT INTO automations VALUES (NULL, ?, ?, ?, ?, ?)",
        (automation.name, automation.schema_id, automation.property, value, automation.url),
    )
    return next(stored for stored in list_all(tenant) if stored.id == cursor.lastrowid)


def _check_url(url: str | None) -> None:
    if url is None:
        return
    if not re.fullmatch(LOOPBACK_URL, url):
        message = "the URL of a webhook must be on the loopback, such as http://127.0.0.1:9000/hook"
        raise _impossible("pattern", "/url", message)
    port = httpx.URL(url).port or 0
    if port > _LAST_PORT:
        raise _impossible("maximum", "/url", f"the port {port} does not exist")


def _check_value(automation: Automation, name: str, schema: StoredSchema | None) -> None:
    if schema is None:
        message = "an automation with a property also needs a schema"
        raise _impossible("required", "/schemaId", message)
    declaration = get_declarations(schema).get(name)
    if not isinstance(declaration, dict):
        message = f"the schema {schema.id!r} does not declare the property {name!r}"
        raise _impossible("undeclared", "/property", message)
    type_name = str(declaration.get("type"))
    types = {"boolean": (bool,), "string": (str,)}.get(type_name, (int, float))
    if type(automation.value) not in types:
        raise _impossible("type", "/value", f"the value must be of the type {type_name}")


def _impossible(rule: str, pointer: str, message: str) -> ApiError:
    return ApiError(
        HTTPStatus.CONFLICT,
        "ImpossibleAutomation",
        "The automation is impossible",
        violations=[Violation(rule, pointer, message)],
    )


def delete(tenant: Tenant, automation_id: int) -> bool:
    """Delete an automation and its runs. Return False if it does not exist."""
    return tenant.query("DELETE FROM automations WHERE id = ?", (automation_id,)).rowcount > 0


def list_all(tenant: Tenant) -> list[Automation]:
    """Return all automations, oldest first."""
    rows = tenant.query(
        "SELECT id, name, schema_id, property, value, url FROM automations ORDER BY id"
    )
    return [
        Automation(row[0], row[1], row[2], row[3], json.loads(row[4] or "null"), row[5])
        for row in rows
    ]


def list_runs(tenant: Tenant, *, before: int, limit: int) -> list[Run]:
    """Return the runs with an id below `before`, newest first."""
    rows = tenant.query(
        """SELECT runs.id, automation, name, interaction_id, contact_id, runs.schema_id, ran, result
        FROM runs JOIN automations ON automations.id = automation
        WHERE runs.id < ? ORDER BY runs.id DESC LIMIT ?""",
        (before, limit),
    )
    return [Run(*row) for row in rows]


def run(
    tenant: Tenant, interaction: StoredInteraction, ran: str, trigger: AutomationTrigger
) -> list[Call]:
    """Record the runs that an interaction triggers, and return the webhooks to call.

    `ran` is the current time in the format of `dates.format_date`.
    """
    calls: list[Call] = []
    for automation in _find_triggered(tenant, interaction, trigger):
        result = "logged" if automation.url is None else "calling"
        row = (
            automation.id,
            interaction.id,
            interaction.contact_id,
            interaction.schema_id,
            ran,
            result,
        )
        run_id = tenant.query("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?)", row).lastrowid
        if automation.url is not None and run_id is not None:
            calls.append(Call(run_id, automation.url, _build_body(automation, interaction)))
    return calls


def _find_triggered(
    tenant: Tenant, interaction: StoredInteraction, trigger: AutomationTrigger
) -> Iterator[Automation]:
    is_first_only = trigger is AutomationTrigger.FIRST_PER_CONTACT
    for automation in list_all(tenant):
        if automation.schema_id not in (None, interaction.schema_id):
            continue
        if not _matches_value(automation, interaction.payload):
            continue
        if is_first_only and _has_earlier(tenant, automation, interaction):
            continue
        yield automation


def _matches_value(automation: Automation, payload: JsonObject) -> bool:
    name = automation.property
    return name is None or (name in payload and _is_equal(payload[name], automation.value))


def _has_earlier(tenant: Tenant, automation: Automation, interaction: StoredInteraction) -> bool:
    """Return True if an earlier interaction of the contact matches the trigger as well."""
    rows = tenant.query(
        """SELECT payload FROM interactions WHERE contact_id = ? AND seq < ?
        AND schema_id = coalesce(?, schema_id)""",
        (interaction.contact_id, interaction.seq, automation.schema_id),
    )
    return any(_matches_value(automation, json.loads(payload)) for (payload,) in rows)


def _is_equal(first: Json, second: Json) -> bool:
    """Compare as JSON, where true and 1 differ."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _build_body(automation: Automation, interaction: StoredInteraction) -> bytes:
    body = {
        "automation": automation.name,
        "interaction": {
            "id": interaction.id,
            "contactId": interaction.contact_id,
            "schemaId": interaction.schema_id,
            "createdDate": interaction.created_date,
            "payload": interaction.payload,
        },
    }
    return json.dumps(body).encode()
