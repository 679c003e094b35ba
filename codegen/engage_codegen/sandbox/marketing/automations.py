"""Automations: what an interaction sets off.

Documented are two triggers, *New Interaction* and *New specific interaction* (a schema and a
value), each for what is received for the first time. What an automation of the platform does is its
own business; here it notes the run, and can call a webhook on the loopback.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from queue import SimpleQueue

import httpx

from engage_codegen.sandbox.api.rules import not_found
from engage_codegen.sandbox.marketing.contact_cards import declared
from engage_codegen.sandbox.options import FirstTime
from engage_codegen.sandbox.store.database import Store
from engage_codegen.sandbox.store.tenant import StoredInteraction, StoredSchema, Tenant
from engage_codegen.sandbox.wire import Json, JsonObject, Refusal

_TIMEOUT_SECONDS = 5.0
_LAST_PORT = 65_535
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
    if wanted.url is not None and (httpx.URL(wanted.url).port or 0) > _LAST_PORT:
        raise _impossible("url: there is no such port")
    schema = tenant.schema(wanted.schema_id) if wanted.schema_id is not None else None
    if wanted.schema_id is not None and schema is None:
        raise not_found("Schema", wanted.schema_id)
    if wanted.property is not None:
        _check_value(wanted, schema)
    value = None if wanted.property is None else json.dumps(wanted.value)
    cursor = tenant.rows(
        "INSERT INTO automations VALUES (NULL, ?, ?, ?, ?, ?)",
        (wanted.name, wanted.schema_id, wanted.property, value, wanted.url),
    )
    return next(it for it in stored(tenant) if it.id == cursor.lastrowid)


def _check_value(wanted: Automation, schema: StoredSchema | None) -> None:
    if schema is None:
        raise _impossible("property: only an automation of one schema goes by a value")
    declaration = declared(schema).get(wanted.property or "")
    if not isinstance(declaration, dict):
        raise _impossible(f"property: the schema declares no {wanted.property!r}")
    kind = str(declaration.get("type"))
    types = {"boolean": (bool,), "string": (str,)}.get(kind, (int, float))
    if type(wanted.value) not in types:
        raise _impossible(f"value: has to be of the type {kind}")


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
        if not _has_value(automation, interaction.payload):
            continue
        if first is FirstTime.FIRST_PER_CONTACT and _had_one(tenant, automation, interaction):
            continue
        yield automation


def _has_value(automation: Automation, payload: JsonObject) -> bool:
    name = automation.property
    return name is None or (name in payload and _is_same(payload[name], automation.value))


def _had_one(tenant: Tenant, automation: Automation, interaction: StoredInteraction) -> bool:
    """Whether the contact had an interaction before that would have set it off."""
    rows = tenant.rows(
        """SELECT payload FROM interactions WHERE contact_id = ? AND seq < ?
        AND schema_id = coalesce(?, schema_id)""",
        (interaction.contact_id, interaction.seq, automation.schema_id),
    )
    return any(_has_value(automation, json.loads(payload)) for (payload,) in rows)


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


class Webhooks:
    """Calls webhooks one after the other, in a thread of its own: one that hangs keeps nobody
    waiting but those behind it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: SimpleQueue[Call] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, calls: Sequence[Call]) -> None:
        """What each answered is noted with its run."""
        for it in calls:
            self._calls.put(it)
        if calls and self._thread is None:
            # A daemon: nobody waits for a hook when the sandbox stops.
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as http:
            while True:
                it = self._calls.get()
                result = _called(http, it)
                with suppress(sqlite3.Error), self._store.transaction() as tenant:
                    tenant.rows("UPDATE runs SET result = ? WHERE id = ?", (result, it.run))


def _called(http: httpx.Client, it: Call) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": "engage-sandbox"}
    try:
        # What it says beyond its status is not read: it may have no end.
        with http.stream("POST", it.url, content=it.body, headers=headers) as answer:
            return f"webhook answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"webhook not reached: {str(error) or type(error).__name__}"
