"""Automations: what an interaction sets off.

Documented are two triggers, *New Interaction* and *New specific interaction* (a schema and a
value), each for what is received for the first time. What an automation of the platform does is its
own business; here it notes the run, and can call a webhook on the loopback.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from engage_codegen.sandbox.options import FirstTime
from engage_codegen.sandbox.rules import not_found
from engage_codegen.sandbox.store import Store
from engage_codegen.sandbox.tenant import StoredInteraction, Tenant
from engage_codegen.sandbox.wire import Json, Refusal

_TIMEOUT_SECONDS = 5.0
LOOPBACK_URL = (
    r"^https?://(127\.0\.0\.1|localhost|\[::1\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/?=&-]*)?$"
)
"""A sandbox tells nobody else of anything."""


@dataclass(frozen=True, slots=True)
class Automation:
    """Without a `schema_id` every interaction sets it off; with a `property` only those with that
    value. Without a `url` it only notes its runs."""

    id: int
    name: str
    schema_id: str | None = None
    property: str | None = None
    value: Json = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """`result` is "logged", the status of the webhook, or why it was not reached."""

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
    """A webhook that is to be called once the interaction is stored."""

    run: int
    url: str
    body: bytes


def add(tenant: Tenant, wanted: Automation) -> Automation:
    """Store it; its `id` is ours to give. Raises `Refusal`."""
    if wanted.url is not None and not re.fullmatch(LOOPBACK_URL, wanted.url):
        raise _impossible("url: a webhook is called on the loopback alone, http://127.0.0.1:…")
    if wanted.schema_id is not None and tenant.schema(wanted.schema_id) is None:
        raise not_found("Schema", wanted.schema_id)
    if wanted.property is not None and wanted.schema_id is None:
        raise _impossible("property: only an automation of one schema goes by a value")
    value = None if wanted.property is None else json.dumps(wanted.value)
    cursor = tenant.rows(
        "INSERT INTO automations VALUES (NULL, ?, ?, ?, ?, ?)",
        (wanted.name, wanted.schema_id, wanted.property, value, wanted.url),
    )
    return next(it for it in stored(tenant) if it.id == cursor.lastrowid)


def _impossible(*reasons: str) -> Refusal:
    message = "There can be no such automation"
    return Refusal(HTTPStatus.CONFLICT, "ImpossibleAutomation", message, reasons=reasons)


def delete(tenant: Tenant, automation: int) -> bool:
    """With its runs; whether there was one."""
    return tenant.rows("DELETE FROM automations WHERE id = ?", (automation,)).rowcount > 0


def stored(tenant: Tenant) -> list[Automation]:
    """In the order in which they were added."""
    rows = tenant.rows(
        "SELECT id, name, schema_id, property, value, url FROM automations ORDER BY id"
    )
    return [
        Automation(row[0], row[1], row[2], row[3], json.loads(row[4] or "null"), row[5])
        for row in rows
    ]


def runs(tenant: Tenant, *, before: int, limit: int) -> list[Run]:
    """Newest first."""
    rows = tenant.rows(
        """SELECT runs.id, automation, name, interaction_id, contact_id, runs.schema_id, ran, result
        FROM runs JOIN automations ON automations.id = automation
        WHERE runs.id < ? ORDER BY runs.id DESC LIMIT ?""",
        (before, limit),
    )
    return [Run(*row) for row in rows]


def set_off(
    tenant: Tenant, interaction: StoredInteraction, ran: str, first: FirstTime
) -> list[Call]:
    """Note the runs that an interaction sets off; the webhooks are still to be called."""
    calls: list[Call] = []
    for automation in _matching(tenant, interaction, first):
        result = "logged" if automation.url is None else "calling"
        row = (
            automation.id,
            interaction.id,
            interaction.contact_id,
            interaction.schema_id,
            ran,
            result,
        )
        run = tenant.rows("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?)", row).lastrowid
        if automation.url is not None and run is not None:
            calls.append(Call(run, automation.url, _body(automation, interaction)))
    return calls


def _matching(
    tenant: Tenant, interaction: StoredInteraction, first: FirstTime
) -> Iterator[Automation]:
    for automation in stored(tenant):
        if automation.schema_id not in (None, interaction.schema_id):
            continue
        name = automation.property
        if name is not None and not _is_same(interaction.payload.get(name), automation.value):
            continue
        if (
            first is FirstTime.FIRST_PER_CONTACT
            and tenant.rows(
                "SELECT 1 FROM runs WHERE automation = ? AND contact_id = ?",
                (automation.id, interaction.contact_id),
            ).fetchone()
        ):
            continue
        yield automation


def _is_same(one: Json, other: Json) -> bool:
    """True is not 1, in JSON."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _body(automation: Automation, interaction: StoredInteraction) -> bytes:
    told = {
        "automation": automation.name,
        "interaction": {
            "id": interaction.id,
            "contactId": interaction.contact_id,
            "schemaId": interaction.schema_id,
            "createdDate": interaction.created_date,
            "payload": interaction.payload,
        },
    }
    return json.dumps(told).encode()


def call(store: Store, calls: list[Call]) -> None:
    """Call the webhooks, one after the other, and note what they answered."""
    headers = {"Content-Type": "application/json", "User-Agent": "engage-sandbox"}
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as http:
        for it in calls:
            try:
                answer = http.post(it.url, content=it.body, headers=headers)
                result = f"webhook answered {answer.status_code}"
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                result = f"webhook not reached: {str(error) or type(error).__name__}"
            with store.transaction() as tenant:
                tenant.rows("UPDATE runs SET result = ? WHERE id = ?", (result, it.run))
