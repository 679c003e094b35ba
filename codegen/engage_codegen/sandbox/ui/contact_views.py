"""The template variables of the pages about contacts, and the changes that their forms make."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

from pydantic import TypeAdapter

from engage_codegen.sandbox.control import models, routes
from engage_codegen.sandbox.errors import ApiError, not_found
from engage_codegen.sandbox.marketing import contact_cards
from engage_codegen.sandbox.openapi import validate_strictly
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.store.contacts import MEMBER, StoredContact
from engage_codegen.sandbox.store.paging import BEFORE_THE_NEWEST, decode_token, encode_token
from engage_codegen.sandbox.ui.query import Query, Values, build_link, read_number
from engage_codegen.sandbox.ui.views import PAGE_SIZE

CONTACTS_PER_PAGE = 50
_SEARCHED_COLUMNS = ("name", "id", "email", "mobile_phone", "custom_key", "social_security_number")
_FIELDS = {
    "name": "Name",
    "contactType": "Type",
    "email": "E-mail",
    "mobilePhone": "Mobile phone",
    "customKey": "Member number",
    "socialSecurityNumber": "Social security number",
}
_CONTACT = TypeAdapter[models.Contact](Annotated[models.Contact, validate_strictly(models.Contact)])
_CHANGE = TypeAdapter[models.ContactChange](
    Annotated[models.ContactChange, validate_strictly(models.ContactChange)]
)


def view_contacts(state: SandboxState, query: Query, problem: ApiError | None = None) -> Values:
    """List the contacts with a field that contains the text `find`.

    With a `problem`, the fields of `query` are those of the form that adds a contact.
    """
    start = 0 if problem else read_number(query, "start")
    pattern = "" if problem else query.get("find", "")
    text = " || ' ' || ".join(f"ifnull({column}, '')" for column in _SEARCHED_COLUMNS)
    with state.store.transaction() as tenant:
        rows = tenant.query(
            f"""SELECT id, name, contact_type, email, mobile_phone,
            (SELECT count(*) FROM interactions WHERE contact_id = contacts.id)
            FROM contacts WHERE deleted IS NULL AND instr(folded({text}), folded(?)) ORDER BY rowid
            LIMIT ? OFFSET ?""",  # noqa: S608 - our own names  # nosec B608
            (pattern, CONTACTS_PER_PAGE + 1, start),
        ).fetchall()
    next_link = ""
    if len(rows) > CONTACTS_PER_PAGE:
        next_link = build_link({"find": pattern, "start": str(start + CONTACTS_PER_PAGE)})
    return {
        "contacts": rows[:CONTACTS_PER_PAGE],
        "find": pattern,
        "next_link": next_link,
        "problem": problem,
        "id": query.get("id", ""),
        "inputs": _list_inputs(query if problem else {"contactType": MEMBER}),
    }


def view_contact(
    state: SandboxState,
    query: Query,
    contact_id: str,
    form: Query | None = None,
    problem: ApiError | None = None,
) -> Values:
    """Show a contact and its timeline, optionally for one schema.

    `form` has the fields of the form that changes the contact, if they cannot be saved because of
    a `problem`.
    """
    schema_id = query.get("schema") or None
    before = decode_token(query["before"]) if "before" in query else BEFORE_THE_NEWEST
    with state.store.transaction() as tenant:
        contact = tenant.contacts.get(contact_id)
        if contact is None:
            raise not_found("Contact", contact_id)
        entries = contact_cards.list_timeline(tenant, contact_id, schema_id, before, PAGE_SIZE + 1)
        counts = contact_cards.count_by_schema(tenant, contact_id)
        titles = {schema.id: schema.display_name for schema in tenant.list_schemas()}
    page, next_link = entries[:PAGE_SIZE], ""
    if len(entries) > PAGE_SIZE:
        token = encode_token((page[-1].created_date, page[-1].seq))
        next_link = build_link({"schema": schema_id or "", "before": token})
    fields = _read_fields(contact)
    return {
        "contact": contact,
        "title": contact.name or contact_id,
        "fields": [(_FIELDS[key], value) for key, value in fields.items() if key != "name"],
        "inputs": _list_inputs(form or fields),
        "problem": problem,
        "entries": page,
        "next_link": next_link,
        "is_first": "before" not in query,
        "chosen": schema_id,
        "total": sum(counts.values()),
        "filters": [(key, titles[key], count) for key, count in sorted(counts.items())],
    }


def _read_fields(contact: StoredContact) -> dict[str, str]:
    """Return the fields that are set, by their names in the API."""
    members = models.Contact.describe(contact).model_dump(by_alias=True, exclude_none=True)
    return {key: members[key] for key in _FIELDS if key in members}


def _list_inputs(values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return name, label and value of each input of the forms."""
    return [(key, label, values.get(key, "")) for key, label in _FIELDS.items()]


def add_contact(state: SandboxState, form: Query) -> str:
    """Add the contact of a form, and return the address of its page below the pages.

    Without an id, the contact gets a new one. Raises `ApiError` (400 MalformedRequest).
    """
    fields = {key: form[key].strip() for key in _FIELDS if form.get(key, "").strip()}
    contact_id = form.get("id", "").strip() or str(uuid4())
    contact = _CONTACT.validate_python({"id": contact_id, **fields})
    return f"/contacts/{quote(routes.add_contact(contact, state).id, safe='')}"


def change_contact(state: SandboxState, contact_id: str, form: Query) -> str:
    """Delete a contact, if the form has the field `delete`, or else save the fields of the form.

    Return the address of the next page. Raises `ApiError` (400 MalformedRequest, 404).
    """
    if "delete" in form:
        routes.delete_contact(contact_id, state)
        return "/contacts"
    fields: dict[str, str | None] = {
        key: form[key].strip() or None for key in _FIELDS if key in form
    }
    for key, default in (("name", ""), ("contactType", MEMBER)):
        if key in fields:
            fields[key] = fields[key] or default
    routes.change_contact(contact_id, _CHANGE.validate_python(fields), state)
    return f"/contacts/{quote(contact_id, safe='')}"
