"""The requests of a probe, as data. `DAY` stands for yesterday and `TOMORROW` for tomorrow."""

from datetime import datetime, timedelta

from ....schema.jsontext import Json, JsonObject
from .exchange import Step, map_texts

DIALECT = "https://json-schema.org/draft/2020-12/schema"

CREATED_DATE = "DAYT10:20:30.984Z"
"""A time whose digits differ in every precision that a platform may have."""

TEXT, DATE, UNDECLARED = "  two spaces  ", "2018-11-13T20:20:39.984+01:00", "as sent"

_ATTRIBUTES: JsonObject = {"showInContactCard": "true", "addToSegmentation": "true"}
_PROPERTIES: JsonObject = {
    "step": {"type": "string", "displayName": "Step", **_ATTRIBUTES, "sortOrder": "1"},
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "date": {"type": "string", "format": "date-time"},
    "missing": {"type": "string"},
}
DECLARED = tuple(_PROPERTIES)

_NON_STRINGS: JsonObject = {
    **_PROPERTIES,
    "step": {
        "type": "string",
        "displayName": "Step",
        "showInContactCard": True,
        "addToSegmentation": True,
        "sortOrder": 1,
    },
}
_KEYWORDS: JsonObject = {
    "step": {"type": "string", "maxLength": 100, "pattern": "^[a-z0-9-]*$"},
    "text": {"type": "string", "enum": ["one", "two"]},
    "whole": {"type": "integer", "minimum": 1, "maximum": 100},
}


def _schema(part: str, properties: JsonObject) -> JsonObject:
    required: Json = ["step"]
    rules: JsonObject = {"$schema": DIALECT, "type": "object", "properties": properties}
    display_name = "Created by engage-codegen probe, which deletes it"
    return {
        "id": f"{{schema-{part}}}",
        "displayName": display_name,
        "jsonSchema": {**rules, "required": required},
    }


def create_schema(name: str, part: str, properties: JsonObject) -> Step:
    """Return the step that creates a schema."""
    return Step(name, "POST", "interactionschemas", _schema(part, properties))


def delete_schema(part: str) -> Step:
    """Return the step that deletes a schema."""
    return Step(f"delete-schema-{part}", "DELETE", f"interactionschemas/{{schema-{part}}}")


def interaction(
    name: str, payload: JsonObject, date: str = CREATED_DATE, contact: str = "contact"
) -> Step:
    """Return the step that sends an interaction."""
    body: JsonObject = {
        "contactId": f"{{{contact}}}",
        "schemaId": "{schema-a}",
        "createdDate": date,
        "payload": payload,
    }
    return Step(name, "POST", "interactions", body)


def filler(number: int) -> Step:
    """Return one of the interactions that fill a page. Their dates are not in their order."""
    minute = number * 17 % 59
    return interaction(
        f"fill-{number:02}", {"step": f"fill-{number:02}"}, f"DAYT11:{minute:02}:00Z"
    )


def read_interaction(name: str) -> Step:
    """Return the step that reads what a step has stored."""
    return Step(f"read-{name}", "GET", f"interactions/{{id:{name}}}")


_LIST = "interactions?contactId={contact}&schemaId={schema-a}"

LIST_SCHEMAS = Step("list-schemas", "GET", "interactionschemas")
COUNT_CONTACTS = Step("count-contacts", "GET", "contacts/count")
CONTACT_STEPS = (
    Step("unknown-email", "GET", "contacts/id?email={unknown-email}"),
    Step("malformed-email", "GET", "contacts/id?email=nobody"),
    Step("malformed-phone", "GET", "contacts/id?mobilePhone=nobody"),
    Step("unknown-custom-key", "GET", "contacts/id?customKey={unknown-key}"),
)
NON_STRINGS = create_schema("non-string-attributes", "a", _NON_STRINGS)
STRINGS = create_schema("string-attributes", "a", _PROPERTIES)
DUPLICATE = create_schema("duplicate-schema", "a", _PROPERTIES)
KEYWORDS = create_schema("other-keywords", "b", _KEYWORDS)
INVALID = create_schema("invalid-schema", "c", {"step": {"type": "array"}})

PLAIN = interaction(
    "plain",
    {
        "step": "plain",
        "text": TEXT,
        "whole": 2,
        "number": 2.5,
        "flag": True,
        "date": DATE,
        "undeclared": UNDECLARED,
    },
)
DECLARED_ONLY = interaction(
    "declared", {"step": "declared", "text": TEXT, "whole": 2, "number": 2.5, "date": DATE}
)
BROKEN = interaction("broken", {"text": "without the required property"}, "DAYT12:01:00Z")
ILL_TYPED = interaction(
    "ill-typed", {"step": "ill-typed", "whole": "twelve", "date": "soon"}, "DAYT12:02:00Z"
)
NO_OFFSET = interaction("no-offset", {"step": "no-offset"}, "DAYT12:03:00")
FUTURE = interaction("future", {"step": "future"}, "TOMORROWT12:04:00Z")
UNKNOWN_CONTACT = interaction(
    "unknown-contact", {"step": "unknown-contact"}, contact="unknown-contact"
)
SHORT_NET = interaction("short-net", {"step": "short-net"}, "DAYT12:05:00Z", "short-contact-net")
SHORT_RFC = interaction("short-rfc", {"step": "short-rfc"}, "DAYT12:06:00Z", "short-contact-rfc")
TRIALS = (ILL_TYPED, NO_OFFSET, FUTURE)
"""Interactions that some tenants store, and others treat as broken."""


def list_interactions(name: str) -> Step:
    """Return the step that reads the first page."""
    return Step(name, "GET", _LIST)


def next_page(token_name: str) -> Step:
    """Return the step that reads the second page."""
    return Step("second-page", "GET", f"{_LIST}&{token_name}={{token}}")


def date_step(step: Step, started: datetime) -> Step:
    """Return a step with real dates."""
    days = {
        "TOMORROW": f"{started + timedelta(days=1):%Y-%m-%d}",
        "DAY": f"{started - timedelta(days=1):%Y-%m-%d}",
    }

    def replace_days(text: str) -> str:
        for word, day in days.items():
            text = text.replace(f"{word}T", f"{day}T")
        return text

    body = map_texts(step.body, replace_days)
    return Step(step.name, step.method, step.path, body if isinstance(body, dict) else None)
